// A patch of floor around one person.
uniform mat4 view;
uniform vec2 centre;
in vec2 corner;
out vec3 wp;
void main(){
  wp = vec3(centre + corner * 1.7, .006);
  gl_Position = view * vec4(wp, 1);
}
