// Silhouettes: position only.
uniform mat4 view;
in vec3 p;
void main(){
  gl_Position = view * vec4(p, 1);
}
