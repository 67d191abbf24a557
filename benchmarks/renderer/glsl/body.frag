// People and props, lit by the nearest lamps; writes their number into the mask.
uniform vec3 eye;
uniform int lamps;
uniform vec4 lamp[LAMPS];
uniform vec3 lamp_rgb;
uniform float ambient;
uniform float outdoors;
uniform float number;
in vec3 wp;
in vec3 wn;
in vec3 col;
flat in int mat;
in vec3 rest;
layout(location = 0) out vec4 o;
layout(location = 1) out vec4 owner;
void main(){
  vec3 v = normalize(eye - wp);
  vec3 n = length(wn) > 1e-5 ? normalize(wn) : v;
  if (dot(n, v) < 0.) n = -n;
  vec3 a = pow(max(col, vec3(.001)), vec3(2.2));
  float gloss = 0., sharp = 16.;
  if (mat == 2) {
    vec3 q = rest * vec3(15., 15., 8.);
    float f = fbm(q);
    n = normalize(n - 1.6 * vec3(fbm(q + vec3(.2,0,0)) - f, fbm(q + vec3(0,.2,0)) - f, fbm(q + vec3(0,0,.2)) - f));
    a *= .86 + .28 * noise3(rest * 80.);
    a *= .90 + .20 * f;
  }
  else if (mat == 3) {
    a *= .55 + .85 * noise3(rest * vec3(170., 170., 20.));
    n = normalize(n + .35 * (vec3(noise3(rest * 60.), noise3(rest * 60. + 7.), noise3(rest * 60. + 13.)) - .5));
  }
  else if (mat == 1) {
    a *= .93 + .13 * noise3(rest * 60.);
    gloss = .02;
  }
  else if (mat == 4) {
    gloss = .04;
  }
  else if (mat == 5) {
    gloss = .10;
    sharp = 25.;
  }
  vec3 light = vec3(0), spec = vec3(0), r = reflect(-v, n);
  for (int i = 0; i < lamps; i++) {
    vec3 d = lamp[i].xyz - wp;
    float t2 = dot(d, d), t = sqrt(t2);
    d /= t;
    float w = 2.1 * lamp[i].w * max(dot(n, d) * .74 + .26, 0.) * max(d.z, .03) / (t2 + .45);
    light += w * lamp_rgb;
    spec += lamp[i].w * pow(max(dot(r, d), 0.), sharp) * gloss;
  }
  vec3 base = mix(vec3(.26, .25, .235), vec3(.44, .44, .43), n.z * .5 + .5) * ambient + outdoors * (1.1 + .5 * n.z);
  float low = mix(.72, 1., smoothstep(0., .8, wp.z));
  o = vec4(clamp((a * (light + base) + spec) * low, 0., 50.), 1);
  owner = vec4(number / 255.);
}
