// SPDX-License-Identifier: GPL-2.0
/* Probes of `tquic trace`: jinja2 makes one per tracepoint, bcc compiles them. */
struct tquic_record {
	u64 ns;
	u64 number;
	u64 word[{{ words }}];
};

BPF_RINGBUF_OUTPUT(records, {{ pages }});
BPF_ARRAY(overrun, u64, 1);
{% for probe in probes %}
TRACEPOINT_PROBE(tquic, {{ probe.name }})
{
	struct tquic_record *r;
{% if token is not none %}
	if ((u32)args->conn != {{ token }})
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
	records.ringbuf_submit(r, 0);
	return 0;
}
{% endfor %}
