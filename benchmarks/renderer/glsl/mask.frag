// Silhouettes: one number.
uniform float number;
out vec4 o;
void main(){
  o = vec4(number / 255.);
}
