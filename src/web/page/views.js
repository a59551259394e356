// SPDX-License-Identifier: MIT
// @ts-check
// The views: services, a service's servers, a server's callers, agents, the
// instance, the help.  A view has an element; load() asks, draw() shows an
// answer, last() is the last one, heading() is for the window's title.
import { bands, clock, count, duration, lines, percent, short, spans }
	from "./format.js";
import { LIMITS, SORTS, above, order } from "./state.js";
import { Table, attribute, chart, child, column, h, objects, put, text }
	from "./table.js";

const REORDER_MS = 10000, FEW_CALLS = 20, WINDOW_S = 600;
const HINT = "login  7/1  10.0.0.0/16  state:overloaded";
const WORST = 3;    // services of which the list shows the worst server
const WIDE = 1000;  // not of one with more servers
export const SHAPES = { overloaded: "▲", errors: "●", silent: "◌", late: "◌",
	fine: "–" };

const key_of = (r) => r.modid + "/" + r.cmdid;
const address = (r) => r.ip + ":" + r.port;
const worst_of = (rows) =>
	rows.filter((r) => r.overloaded > 0).slice(0, WORST).map(key_of);

// The columns that several lists have.  c: the page's context.
function columns(c) {
	const { t } = c;
	const drawn = (name, draw, more) =>
		({ name, head: t(`c_${name}`), draw, ...more });
	const figure = (name, value, more) =>
		({ ...column(name, t(`c_${name}`), value), ...more });
	// "+1 stale 2 / 40"
	const part = (name, some, all) => drawn(name, (td, row) => {
		put(td, 0, "span", row.stale > 0 ? t("stale", { n: row.stale }) : "",
			"stale");
		put(td, 1, "b", row[some]);
		put(td, 2, "span", "/ " + row[all], "dim");
		td.classList.toggle("some", row[some] > 0);
	}, { sort: name, title: t(`t_${name}`) });

	return {
		figure,
		state: drawn("state", (td, row) => draw_state(c, td, row.state),
			{ sort: "trouble" }),
		overloaded: part("overloaded", "overloaded", "servers"),
		by: part("by", "overloaded_by", "callers"),
		since: drawn("since", (td, row) => {
			const d = duration(row.now - row.since, t);
			const known = row.since_known && row.since != null;

			put(td, 0, "span", known ? clock(row.since, row.now, true) : "");
			put(td, 1, "span", known ? d : row.since == null ? "" :
				t("over", { d }), "dim");
		}, { sort: "since" }),
		errors: drawn("errors", (td, row) => {
			const few = row.succ + row.err < FEW_CALLS;
			const many = !few && row.error_share >= 0.05;

			child(td, 0, "span", "bar").style.setProperty("--share",
				many ? row.error_share : 0);
			put(td, 1, "span", percent(row.error_share));
			td.classList.toggle("few", few);
			td.classList.toggle("many", many);
		}, { sort: "errors", title: t("t_errors") }),
		reports: figure("reports", (r) => short(r.reports_per_s, 1),
			{ sort: "reports" }),
		succ: figure("succ", (r) => short(r.succ), { sort: "succ" }),
		err: figure("err", (r) => short(r.err)),
		callers: figure("callers", (r) => short(r.callers),
			{ sort: "callers" }),
		age: figure("age", (r) => t("ago", { d: duration(r.age, t) }),
			{ sort: "age" }),
		history: (draw) => drawn("history", draw, { title: t("t_history") }),
		// A caller leads to all services that it calls.
		caller: { name: "caller", head: t("c_caller"), draw: (td, row) => {
			const a = child(td, 0, "a", "main");

			text(a, row.caller || "–");
			attribute(a, "href", row.caller && c.href({ view: "services",
				q: row.caller, sort: SORTS[0], limit: LIMITS[0] }));
		} },
	};
}

// A state as shape and word, or with another text.
function draw_state(c, e, state, words = c.t(state)) {
	attribute(child(e, 0, "span", "shape"), "aria-hidden", true);
	put(e, 0, "span", SHAPES[state]);
	put(e, 1, "span", words);
}

function draw_sum(c, e, state, words) {
	attribute(e, "data-state", state);
	draw_state(c, e, state, words);
}

// Since when, as part of a sentence.
const since = (c, row, now) => c.t(row.since_known ? "since" : "since_over",
	{ t: clock(row.since, now, true), d: duration(now - row.since, c.t, true) });

// Who calls a server overloaded: one caller alone suggests a fault of the caller,
// most of them a fault of the server.
function says({ t }, m, n) {
	const said = m === 0 ? "of_none" : m === n ? "of_all" : "of_callers";

	return t(said, { m, n }) + (m === 0 || n === 1 ? "" : t("semicolon") +
		t(m * 2 < n ? "by_caller" : "by_server"));
}

function draw_service(e, row) {
	put(e, 0, "bdi", row.name || "", "name");
	put(e, 1, "span", key_of(row), "number");
}

// Of the last ten minutes; returns the share at the top of the chart.
function draw_history(c, e, history, index, height) {
	if (!history?.[index + 1])
		return 0;
	const room = Math.max(2, Math.round(WINDOW_S / history[0][1]));
	const [errors, overloads] =
		history[index + 1].map((of) => of.slice(-room));
	const worst = Math.max(0, ...errors), max = Math.max(worst, 100);

	chart(e, height, { band: bands(overloads, height, room),
		line: lines(errors, height, max, room) },
	`${c.t("c_history")}: ${c.t("c_errors")} ≤ ${percent(worst / 1000)}`);
	return max / 1000;
}

// Where one is: a link to each level above.
function draw_trail(c, e, row) {
	const link = (n, to) => {
		attribute(child(e, n, "a"), "href", c.href(to));
		return e.children[n];
	};

	text(link(0, { ...c.list, view: "services" }), c.t("services"));
	if (c.place.view === "server")
		draw_service(link(1, above(c.place, {})), row);
}

export class Services {
	constructor(c) {
		const { t } = c, l = columns(c);

		this.c = c;
		this.shown = /** @type {string[]} */ ([]);
		this.ordered = 0;
		this.drawn = "";          // the path, "": order anew
		this.worst = new Set();   // services with their worst server below
		this.details = new Map(); // what is known of these
		this.table = new Table(t("services"), [l.state, {
			name: "service", head: t("c_service"), sort: "number",
			draw: (td, row) => {
				const a = child(td, 0, "a", "main");

				attribute(a, "href", c.href({ view: "service",
					modid: row.modid, cmdid: row.cmdid }));
				attribute(a, "title", row.name);
				draw_service(a, row);
			},
		}, l.overloaded, l.since, l.errors, l.reports, l.succ, l.err, l.callers,
		l.history((td, row) => draw_history(c, td, row.history, row.index, 20)),
		l.age], (sort) => c.go({ sort }));
		this.input = /** @type {any} */ (h("input", { type: "search", id: "q",
			"aria-describedby": "q-error", autocomplete: "off",
			spellcheck: "false", maxlength: 250, placeholder: t("example") + HINT,
			input: () => this.typed(), keydown: (e) => this.key(e) }));
		this.input.value = c.place.q;
		this.error = h("span", { id: "q-error" });
		this.moved = h("button", { type: "button", id: "moved",
			click: c.renew });
		this.more = h("button", { type: "button", id: "more", hidden: true,
			click: () => this.grow() }, t("more"));
		this.count = h("span", { class: "dim" });
		this.element = h("section", {}, h("div", { class: "tools" },
			h("label", { for: "q" }, t("filter")), this.input, this.error,
			this.moved), this.table.element,
		h("p", { class: "end" }, this.count, this.more));
		this.table.element.hidden = true;
		this.timer = 0;
	}

	get path() {
		const { q, sort, limit } = this.c.place;

		return "services?" + new URLSearchParams(
			{ ...q && { q }, sort, limit, history: "1" });
	}

	typed() {
		clearTimeout(this.timer);
		this.timer = setTimeout(() =>
			this.c.go({ q: this.input.value.trim() }, true), 150);
	}

	key(e) {
		if (e.key === "Enter") {
			clearTimeout(this.timer);
			this.c.go({ q: this.input.value.trim() });
		} else if (e.key === "ArrowDown") {
			this.table.step(0);
		} else if (e.key === "Escape") {
			this.input.blur();
		} else {
			return;
		}
		e.preventDefault();
	}

	// The place has another filter, order or limit.
	changed() {
		if (this.input !== document.activeElement)
			this.input.value = this.c.place.q;
	}

	grow() {
		const { limit } = this.c.place;

		this.c.go({ limit: LIMITS.find((n) => n > limit) || limit });
	}

	async load(signal) {
		const { api } = this.c;
		const data = await api.get(this.path, signal).catch(async (e) => {
			if (e.status !== 400)
				throw e;
			return { ...await api.get("services?limit=1", signal),
				refused: e.message, rows: [] };
		});
		const rows = objects(data);
		const keys = new Set([...this.worst, ...worst_of(rows)]);

		/* Once a look. */
		await Promise.all(rows.map(async (r) => {
			const key = key_of(r);

			if (!keys.has(key) || r.overloaded === 0 || r.servers > WIDE ||
			    this.details.get(key)?.as_of === data.as_of)
				return;
			const found = await api.get("services/" + key, signal)
				.catch(() => null);
			if (found)
				this.details.set(key, { as_of: data.as_of,
					servers: objects(found).filter((s) =>
						s.overloaded_by > 0) });
		}));
		for (const key of this.details.keys())
			if (!keys.has(key))
				this.details.delete(key);
		return data;
	}

	last() {
		return this.c.api.last(this.path);
	}

	draw(data) {
		const { refused = "" } = data;

		text(this.error, refused);
		attribute(this.input, "aria-invalid", refused ? true : null);
		if (refused)
			this.table.element.hidden = this.more.hidden =
				this.shown.length === 0;
		else
			this.draw_list(objects(data), data);
	}

	draw_list(rows, data) {
		const due = performance.now() - this.ordered >= REORDER_MS;
		const now = order(this.shown, rows.map(key_of),
			this.drawn !== this.path || (due && !this.table.held));

		this.drawn = this.path;
		if (now.order !== this.shown) {
			this.ordered = performance.now();
			this.worst = new Set(worst_of(rows));
		}
		this.shown = now.order;
		this.draw_rows(rows, data);
		text(this.moved, due && now.moved > 0 ?
			this.c.t("moved", { n: now.moved }) : "");
		this.draw_around(data, rows.length);
	}

	draw_rows(rows, data) {
		const found = new Map(rows.map((row, index) => [key_of(row),
			{ ...row, index, history: data.history, now: data.as_of }]));

		for (const key of this.shown) {
			const row = found.get(key);

			this.table.draw(key, row, row?.overloaded > 0 &&
				this.worst.has(key) && ((td) => this.draw_worst(td, row)));
		}
		this.table.show(this.shown);
		this.table.sorted(this.c.place.sort);
	}

	draw_worst(td, row) {
		const { c } = this, servers = this.details.get(key_of(row))?.servers;
		const worst = servers?.[0], a = child(td, 0, "a");

		if (worst)
			attribute(a, "href", c.href({ view: "server", modid: row.modid,
				cmdid: row.cmdid, server: address(worst) }));
		text(a, worst ? address(worst) : "…");
		put(td, 1, "b", worst ? says(c, worst.overloaded_by, worst.callers) :
			"");
		put(td, 2, "span", worst ? since(c, worst, row.now) : "");
		put(td, 3, "span", servers?.length > 1 ?
			c.t("others", { n: servers.length - 1 }) : "", "dim");
	}

	draw_around(data, length) {
		const { t, lang, place } = this.c, n = count(data.total, lang);

		text(this.count, length === 0 ? t("none") :
			t("shown", { m: count(length, lang), n }));
		this.more.hidden = data.total <= length || place.limit >= 1000;
		this.table.element.hidden = length === 0;
		this.element.hidden = data.verdict?.services === 0;
	}
}

// What a service's and a server's view have in common.
class Deep {
	constructor(c) {
		this.c = c;
		this.trail = h("nav", { class: "trail",
			"aria-label": c.t("c_service") });
		this.title = h("h1", { tabindex: -1 });
		this.sum = h("p", { class: "sum" });
		this.rest = h("p", { class: "end dim" });
		this.path = "services/" + key_of(c.place);
		/* What is gone keeps its place. */
		draw_trail(c, this.trail, c.place);
		draw_service(this.title, c.place);
	}

	draw_rest(shown, all) {
		const { t, lang } = this.c;

		text(this.rest, shown < all ? t("shown",
			{ m: count(shown, lang), n: count(all, lang) }) : "");
	}

	heading(data) {
		return `${SHAPES[this.sum.dataset.state || "fine"]} ${
			this.c.place.server || ""} ${data.service.name || ""} ${
			key_of(data.service)}: ${this.sum.children[1].textContent}`;
	}
}

export class Service extends Deep {
	constructor(c) {
		super(c);
		const { t } = c, l = columns(c);

		this.events = /** @type {any[]} */ ([]);
		this.next = 0;
		this.as_of = 0;
		this.max = h("span");
		this.time = h("div", { class: "time" });
		this.now = h("span");
		this.table = new Table(t("c_server"), [l.state, {
			name: "server", head: t("c_server"), draw: (td, row) => {
				const a = child(td, 0, "a", "main");

				attribute(a, "href", c.href({ view: "server",
					server: address(row) }));
				text(a, address(row));
			},
		}, l.by, l.since, l.errors, l.reports, l.succ, l.err,
		l.history((td, row) => chart(td, 20, { band: spans(row.events,
			row.begin, row.since, row.now, WINDOW_S, 20) }, t("c_history"))),
		l.age]);
		this.element = h("section", {}, this.trail, this.title, this.sum,
			h("figure", {}, this.max, this.time, h("figcaption", {},
				h("span", {}, "−10 " + t("min")),
				h("span", {}, t("t_history")), this.now)),
			this.table.element, this.rest);
	}

	async load(signal) {
		const data = await this.c.api.get(this.path, signal);

		if (data.as_of !== this.as_of)
			await this.load_events(signal).catch(() => null);
		this.as_of = data.as_of;
		return data;
	}

	async load_events(signal) {
		const e = await this.c.api.get("events?since=" + this.next, signal);
		const own = objects(e).filter((r) =>
			key_of(r) === key_of(this.c.place));

		this.events = (e.lost ? [] : this.events).concat(own).slice(-4096);
		this.next = e.next;
	}

	last() {
		return this.c.api.last(this.path);
	}

	draw(data) {
		const { c } = this, row = data.service, now = data.as_of;

		draw_trail(c, this.trail, row);
		draw_service(this.title, row);
		draw_sum(c, this.sum, row.state, this.words(row, now));
		text(this.max, percent(draw_history(c, this.time, data.history, 0,
			60)) + " %");
		text(this.now, clock(now, now));
		this.table.draw_all(objects(data).map((r) => ({ ...r, now,
			begin: data.history?.[0][0] ?? now,
			events: this.events.filter((e) => address(e) === address(r)) })),
		address);
		this.draw_rest(data.rows.length, row.servers);
	}

	words(row, now) {
		const { t } = this.c;

		if (row.state === "silent" || row.state === "late")
			return t("sum_old", { d: duration(row.age, t, true) });
		return t("sum_over", { m: row.overloaded, n: row.servers }) +
			(row.since == null ? "" : t("comma") + since(this.c, row, now)) +
			(row.error_share == null ? "" : t("semicolon") +
				t("sum_errors", { p: percent(row.error_share) }));
	}
}

export class Server extends Deep {
	constructor(c) {
		super(c);
		const { t } = c, l = columns(c);

		text(this.title, c.place.server);
		this.callers = this.path + "/callers?limit=1000&server=" +
			c.place.server;
		this.table = new Table(t("c_callers"), [l.state, l.caller, l.errors,
			l.succ, l.err, l.figure("seen", (r) => clock(r.ts, r.now)), l.age,
			l.figure("count", (r) => short(r.reports))]);
		this.element = h("section", { class: "narrow" }, this.trail, this.title,
			this.sum, this.table.element, this.rest);
	}

	async load(signal) {
		const { api } = this.c, [head, callers] = await Promise.all(
			[api.get(this.path, signal),
				api.get(this.callers, signal).catch((e) => {
					if (e.status !== 404)
						throw e;
					return { columns: [], rows: [] };
				})]);

		return { ...head, callers };
	}

	last() {
		const head = this.c.api.last(this.path);
		const callers = this.c.api.last(this.callers);

		return head && callers && { ...head, callers };
	}

	draw(data) {
		const { c } = this, now = data.as_of;
		const own = objects(data).find((r) => address(r) === c.place.server);
		const age = (r) => r.state === "late" || r.state === "silent";
		/* Only fresh records show the present state. */
		const rows = objects(data.callers).map((r) => ({ ...r, now,
			state: age(r) ? r.state : r.overload ? "overloaded" :
				r.state === "errors" ? "errors" : "fine",
			rank: age(r) ? 2 : r.overload ? 0 : 1 }));
		const fresh = rows.filter((r) => r.rank < 2);
		const over = fresh.filter((r) => r.overload);

		draw_trail(c, this.trail, data.service);
		draw_sum(c, this.sum, own?.state || (fresh.length === 0 ? "silent" :
			over.length > 0 ? "overloaded" : "fine"), fresh.length === 0 ?
			c.t("b_gone") : says(c, over.length, fresh.length) +
				(over.length === 1 ? ": " + over[0].caller : "") +
				(own?.since == null ? "" : c.t("semicolon") +
				since(c, own, now)));
		this.table.draw_all(rows.sort((a, b) => a.rank - b.rank),
			(r) => r.caller);
		this.draw_rest(rows.length, data.callers.total);
	}
}

const AGENTS = 1000;

export class Agents {
	constructor(c) {
		const { t } = c, l = columns(c);
		this.c = c;
		this.sum = h("p", { class: "dim" });
		this.table = new Table(t("agents"), [
			column("address", t("agents"), (r) => r.address), l.caller,
			column("dialect", t("a_dialect"), (r) => r.dialect),
			column("seen", t("a_connected"), (r) => clock(r.since, r.now)),
			l.figure("count", (r) => short(r.reports)),
			column("records", t("a_records"), (r) => short(r.records)),
			column("clock", t("a_clock"), (r) => r.clock_offset == null ?
				"–" : r.clock_offset + " " + t("s")),
			column("throttled", t("a_throttled"), (r) =>
				duration(r.throttled, t)),
			column("rejected", t("r_rejected"), (r) => short(Object.values(
				r.rejected).reduce((a, b) => a + b, 0)))]);
		this.element = h("section", {}, h("h1", { tabindex: -1 }, t("agents")),
			this.sum, this.table.element);
	}

	async load(signal) {
		const [head, own] = await Promise.all(
			["services?limit=1", "agents?limit=" + AGENTS].map((p) =>
				this.c.api.get(p, signal)));

		return { ...head, own };
	}

	draw(data) {
		const { t, lang } = this.c, rows = data.own.agents;

		text(this.sum, t("shown", { m: count(rows.length, lang),
			n: count(data.agents?.connected ?? rows.length, lang) }));
		this.table.draw_all(rows.map((r) => ({ ...r, now: data.as_of })),
			(r) => r.address);
	}
}

const TERMS = ["rejected", "dropped", "queued", "pending", "superseded",
	"stored", "dead_letter"];
const RATES = ["received", "superseded", "stored"];
const KEYS = [["/ f", "filter"], ["↑ ↓", "k_rows"], ["Enter", "k_open"],
	["Esc Backspace", "k_back"], ["p", "pause"], ["u", "update"],
	["m", "more"], ["t", "k_trouble"], ["o", "c_overloaded"],
	["e", "c_errors"], ["r", "c_reports"], ["s", "c_succ"], ["l", "c_callers"],
	["w", "c_since"], ["a", "c_age"], ["n", "c_service"], ["?", "help"]];
const HELP = ["c_service", "c_server", "c_caller", "overloaded", "errors",
	"late", "silent", "k_trouble", "filter"];

// A list of terms: pairs of term and text, changed in place.
const draw_list = (dl, pairs) => pairs.forEach(([term, value], i) => {
	const line = child(dl, i, "div");

	put(line, 0, "dt", term);
	put(line, 1, "dd", value);
});

export class Instance {
	constructor(c) {
		const { t } = c;
		const number = (name) => column(name, t(`r_${name}`),
			(w) => short(w[name]));

		this.c = c;
		this.sum = h("p", { class: "dim" });
		this.identity = h("dl", { class: "identity" });
		this.rates = h("dl", { class: "identity" });
		this.workers = new Table(t("i_workers"), [
			column("worker", "#", (w) => w.slot),
			column("phase", t("c_state"), (w) => w.segment_error || w.state),
			column("room", t("i_keys"), (w) => short(w.keys) + " / " +
				short(w.table_keys)),
			number("queued"), number("pending"), number("stored"),
			column("seen", t("i_flush"), (w) => w.last_flush_ts ?
				clock(w.last_flush_ts, c.api.now()) : "–"),
			column("database", t("i_database"), (w) => w.connected ?
				w.host || "–" : t("apart")),
			column("error", t("i_error"), (w) => w.last_error || "–")]);
		this.element = h("section", { class: "narrow" },
			h("h1", { tabindex: -1 }, t("instance")), this.sum,
			h("div", { class: "pair" },
				h("div", {}, h("h2", {}, t("a_records")), this.identity),
				h("div", {}, h("h2", {}, t("i_rates")), this.rates)),
			h("h2", {}, t("i_workers")), this.workers.element);
	}

	async load(signal) {
		const { api } = this.c;
		const [head, own] = await Promise.all([
			api.get("services?limit=1", signal).catch((e) => {
				if (e.status !== 503)
					throw e;
				return { as_of: api.now() };
			}), api.get("status", signal)]);

		return { ...head, own };
	}

	draw(data) {
		const { t, lang } = this.c, s = data.own, r = s.records;
		const line = (name) => [t(`r_${name}`), count(r[name], lang)];

		text(this.sum, [s.instance, s.version, s.running ?
			t("i_up", { d: duration(s.uptime, t, true) }) : t("i_down")]
			.join(t("comma")));
		draw_list(this.identity, [...TERMS.map(line), [t("i_sum"), count(
			TERMS.reduce((n, name) => n + r[name], 0), lang)],
		...r.replayed > 0 ? [line("replayed")] : [], line("received")]);
		draw_list(this.rates, [["", s.rates.map((rate) =>
			rate.span + " " + t("s")).join(" / ")], ...RATES.map((name) =>
			[t(`r_${name}`), s.rates.map((rate) =>
				short(rate[name])).join(" / ")])]);
		this.workers.draw_all(s.workers, (w) => w.slot + "." + w.generation);
	}
}

export class Help {
	constructor(c) {
		const { t } = c;

		this.c = c;
		this.words = h("dl");
		this.element = h("section", { class: "help" },
			h("h1", { tabindex: -1 }, t("help")), h("h2", {}, t("h_keys")),
			h("dl", { class: "keys" }, ...KEYS.map(([keys, name]) =>
				h("div", {}, h("dt", {}, ...keys.split(" ").map((k) =>
					h("kbd", {}, k))), h("dd", {}, t(name))))),
			h("h2", {}, t("h_words")), this.words);
	}

	load(signal) {
		return this.c.api.get("services?limit=1", signal);
	}

	last() {
		return {};
	}

	draw(data) {
		const { t } = this.c;

		draw_list(this.words, HELP.map((name) => [t(name), t(
			`w_${name.replace(/^\w_/, "")}`,
			{ f: data.fresh_s ?? 45, s: data.silent_s ?? 300 })]));
	}
}
