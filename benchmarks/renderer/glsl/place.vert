// The building: world position, normal, colour, material and light group.
uniform mat4 view;
in vec3 p;
in vec3 n;
in vec3 c;
in float m;
in float g;
out vec3 wp;
out vec3 wn;
out vec3 col;
flat out int mat;
flat out float group;
void main(){
  wp = p;
  wn = n;
  col = c;
  mat = int(m + .5);
  group = g;
  gl_Position = view * vec4(p, 1);
}
