// Who is signed in, and what their role may ask for at all.

/** As people call them. */
export const nameOf = (me) => me.full_name || me.name;

/** Whether their role has an ability. */
export const may = (me, ability) => me.abilities.includes(ability);

/** Whether their role may see an incident; the agreement may still refuse. */
export const mayWatch = (me, incident) =>
  may(me, "watch") || (may(me, "watch-exercise") && incident.exercise);
