// Share of light that one person, as capsules, leaves to the floor (soft shadows + contact).
uniform int lamps;
uniform vec4 lamp[LAMPS];
uniform vec4 from[CAPS];
uniform vec4 to[CAPS];
uniform vec2 centre;
uniform float ambient;
in vec3 wp;
layout(location = 0) out vec4 o;
layout(location = 1) out vec4 owner;
void main(){
  float open = 1.;
  owner = vec4(0);
  for (int j = 0; j < CAPS; j++) {
    vec3 ab = to[j].xyz - from[j].xyz;
    float s = clamp(dot(wp - from[j].xyz, ab) / dot(ab, ab), 0., 1.);
    vec3 d = from[j].xyz + ab * s - wp;
    float t = length(d), r = mix(from[j].w, to[j].w, s);
    float k = clamp(1.2 * r / max(t, r), 0., 1.);
    open *= 1. - .6 * k * k * clamp(.35 + .65 * d.z / t, 0., 1.);
  }
  float lit = 0., all_light = 1e-4;
  for (int i = 0; i < lamps; i++) {
    vec3 d = lamp[i].xyz - wp;
    float t2 = dot(d, d), t = sqrt(t2);
    d /= t;
    float w = lamp[i].w * d.z * d.z / (t2 + .3);
    float pass = 1.;
    for (int j = 0; j < CAPS; j++) {
      vec3 ab = to[j].xyz - from[j].xyz;
      vec3 oa = wp - from[j].xyz;
      float l2 = dot(ab, ab), k = dot(ab, d), e = dot(oa, d), f = dot(oa, ab);
      float s = clamp((f - e * k) / max(l2 - k * k, 1e-4), 0., 1.);
      float u = clamp(dot(from[j].xyz + ab * s - wp, d), 0., t);
      s = clamp(dot(wp + d * u - from[j].xyz, ab) / l2, 0., 1.);
      float gap = length(wp + d * u - from[j].xyz - ab * s), r = mix(from[j].w, to[j].w, s), soft = .19 * u + .01;
      pass *= 1. - (1. - smoothstep(r - soft, r + soft, gap)) * min(1., 1.1 * r / soft);
    }
    lit += w * pass;
    all_light += w;
  }
  float share = (lit * 2.2 + .34 * ambient * open) / (all_light * 2.2 + .34 * ambient);
  float fade = smoothstep(1.7, 1.2, length(wp.xy - centre));
  o = vec4(vec3(mix(1., share, fade)), 1);
}
