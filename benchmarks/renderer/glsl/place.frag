// The building, lit by the ceiling lamps of its own light group. Materials as in scene.py.
uniform vec3 eye;
uniform int lamps;
uniform vec4 lamp[LAMPS];
uniform float power[LAMPS];
uniform vec3 lamp_rgb;
uniform float ambient;
uniform float daylight;
uniform vec3 wainscot;
uniform vec3 stripe;
uniform float ceiling;
uniform float grain;
in vec3 wp;
in vec3 wn;
in vec3 col;
flat in int mat;
flat in float group;
layout(location = 0) out vec4 o;
layout(location = 1) out vec4 owner;
vec3 lin(vec3 c){
  return pow(max(c, vec3(.001)), vec3(2.2));
}
void main(){
  owner = vec4(0);
  vec3 n = normalize(wn), v = normalize(eye - wp);
  if (dot(n, v) < 0.) n = -n;
  float far = length(eye - wp), near_share = clamp(1.3 - far / 12., 0., 1.);
  vec3 a = lin(col);
  float gloss = 0., sharp = 40., edge = 1.;
  vec3 q = wp + grain;
  if (mat == 13) {  // lamp
    o = vec4(vec3(2.4) * lamp_rgb, 1);
    return;
  }
  if (mat == 17) {  // glass, bright from outdoors
    o = vec4(lin(col) * 1.5 * daylight * mix(.75, 1.1, smoothstep(0., 2.2, wp.z)) * (.92 + .16 * fbm(q * 1.5)), 1);
    return;
  }
  if (mat == 20) {  // ground outdoors
    o = vec4(a * 2.0 * daylight * (.85 + .3 * fbm(q * .8)), 1);
    return;
  }
  if (mat == 10) {  // floor tiles
    vec2 t = wp.xy / .305;
    float r = hash3(vec3(floor(t), 1. + grain));
    vec2 f = fract(t);
    float line = min(min(f.x, 1. - f.x), min(f.y, 1. - f.y));
    a *= .90 + .12 * r;
    a *= mix(1., .82 + .36 * fbm(vec3(wp.xy * 55., r * 9.)), near_share);
    a *= mix(1., .80, (1. - smoothstep(0., .014, line)) * near_share);
    a *= .88 + .20 * fbm(vec3(q.xy * 1.1, 3.));
    a *= 1. - .07 * smoothstep(.62, .74, fbm(vec3(q.xy * 4., 8.)));
    gloss = .16;
    sharp = 70.;
  }
  else if (mat == 19) {  // carpet
    a *= .78 + .44 * noise3(vec3(q.xy * 90., 0)) * near_share + .16 * fbm(vec3(q.xy * 2., 1.));
  }
  else if (mat == 11) {  // painted wall
    a *= .92 + .13 * fbm(q * 5.);
    if (wp.z < 1.05) a = lin(wainscot) * (.93 + .12 * fbm(q * 7.));
    if (wp.z > 1.05 && wp.z < 1.14) a = lin(stripe);
    if (wp.z < .11) a = vec3(.03);
    a *= 1. - .25 * smoothstep(.62, .75, fbm(vec3(q.xy * 9., wp.z * 3.))) * step(wp.z, .8);
    edge = mix(.68, 1., smoothstep(0., .5, wp.z)) * mix(.78, 1., smoothstep(0., .5, ceiling - wp.z));
  }
  else if (mat == 12) {  // ceiling panels
    vec2 f = fract(wp.xy / .6);
    float line = min(min(f.x, 1. - f.x), min(f.y, 1. - f.y));
    a *= .86 + .2 * noise3(vec3(wp.xy * 70., 0)) * near_share;
    a *= mix(1., .72, 1. - smoothstep(.012, .03, line));
  }
  else if (mat == 14) {  // wood
    a *= .70 + .5 * fbm(vec3((q.x + q.y) * 14., 2., q.z * 1.7));
    gloss = .06;
  }
  else if (mat == 15) {  // sheet metal
    a *= .90 + .14 * fbm(q * 5.);
    if (abs(wp.z - 1.58) < .09 && fract(wp.z * 38.) < .45) a *= .45;
    gloss = .10;
    sharp = 25.;
  }
  else if (mat == 18) {  // notice board
    vec2 t = vec2((wp.x + wp.y) * 3.7, wp.z * 3.4);
    vec2 f = fract(t);
    float r = hash3(vec3(floor(t), 4. + grain));
    if (r > .25 && f.x > .10 && f.x < .88 && f.y > .08 && f.y < .90) {
      a = lin(.25 + .7 * vec3(hash3(vec3(floor(t), 1.)), hash3(vec3(floor(t), 2.)), hash3(vec3(floor(t), 3.))));
      a *= .55 + .45 * step(.35, fract(f.y * 9.));
    } }
  vec3 light = vec3(0), spec = vec3(0), r = reflect(-v, n);
  for (int i = 0; i < lamps; i++) {
    if (abs(lamp[i].w - group) > .5) continue;
    vec3 d = lamp[i].xyz - wp;
    float t2 = dot(d, d);
    if (t2 > 90.) continue;
    float t = sqrt(t2);
    d /= t;
    float w = 2.2 * power[i] * max(dot(n, d), 0.) * max(d.z, .03) / (t2 + .3);
    light += w * lamp_rgb;
    spec += power[i] * pow(max(dot(r, d), 0.), sharp) * gloss * 2.4 * smoothstep(8., 2., t);
  }
  if (group > 62.5) light += 1.2 * daylight;
  vec3 base = mix(vec3(.30, .285, .265), vec3(.36, .365, .36), n.z * .5 + .5) * ambient;
  o = vec4(clamp(a * (light + base) * edge + spec, 0., 50.), 1);
}
