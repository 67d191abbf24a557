"""The commands, a module each; what they import heavily they import when called."""
