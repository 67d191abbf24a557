// People and props; `r` is the position at rest, so that folds of cloth stick to the body.
uniform mat4 view;
in vec3 p;
in vec3 n;
in vec3 c;
in float m;
in vec3 r;
out vec3 wp;
out vec3 wn;
out vec3 col;
flat out int mat;
out vec3 rest;
void main(){
  wp = p;
  wn = n;
  col = c;
  mat = int(m + .5);
  rest = r;
  gl_Position = view * vec4(p, 1);
}
