// SPDX-License-Identifier: GPL-2.0
/* Probes of `tquic trace`: jinja2 makes one per tracepoint, bcc compiles them. */
struct tquic_record {
	u64 ns;
	u64 number;
	u64 word[{{ words }}];
};

struct tquic_key {
	u64 conn;
	u64 path;
	u64 number;
};

BPF_RINGBUF_OUTPUT(records, {{ pages }});
BPF_ARRAY(overrun, u64, 1);
{% if probes | selectattr("latest") | list %}
BPF_HASH(latest, struct tquic_key, struct tquic_record, {{ latest_max }});
{% endif %}
{% for probe in probes %}
TRACEPOINT_PROBE(tquic, {{ probe.name }})
{
	struct tquic_record *r;
{% if probe.latest %}
	struct tquic_record now = {};
	struct tquic_key key = {};
{% endif %}
{% if token is not none %}
	if ((u32)args->conn != {{ token }})
		return 0;
{% endif %}
{% if probe.latest %}
	/* The first of a path goes the way of all; of later ones the reader wants the last. */
	key.conn = args->conn;
	key.path = args->path;
	key.number = {{ probe.number }};
	r = latest.lookup(&key);
	now.ns = bpf_ktime_get_ns();
	now.number = {{ probe.number }};
{% for field in probe.fields %}
	now.word[{{ loop.index0 }}] = args->{{ field }};
{% endfor %}
	if (latest.update(&key, &now)) {
		overrun.increment(0);
		return 0;
	}
	if (r)
		return 0;
{% endif %}
	r = records.ringbuf_reserve(sizeof(*r));
	if (!r) {
		overrun.increment(0);
		return 0;
	}
	r->ns = bpf_ktime_get_ns();
	r->number = {{ probe.number }};
{% for field in probe.fields %}
	r->word[{{ loop.index0 }}] = args->{{ field }};
{% endfor %}
	/* The reader comes by itself, ten times a second. */
	records.ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return 0;
}
{% endfor %}
