// SPDX-License-Identifier: MIT
// @ts-check
// The lists: services, a service's servers, a server's callers, agents.
import { bands, clock, count, duration, lines, percent, short, spans }
	from "./format.js";
import { above, LIMITS, order, url } from "./state.js";
import { Table, attribute, chart, child, h, objects, text } from "./table.js";

const REORDER_MS = 10000, FEW_CALLS = 20, WINDOW_S = 600;
const WORST = 3;     // services of which the list shows the worst server
const WIDE = 1000;   // it does not of one with more servers
const SHAPES = { overloaded: "▲", errors: "●", silent: "◌", late: "◌", fine: "–" };

/**
 * @typedef {import("./table.js").Row} Row
 * @typedef {{t: (key: string, values?: Record<string, any>) => string,
 *   lang: string, api: import("./poll.js").Api,
 *   place: import("./state.js").Place,
 *   go: (to: Partial<import("./state.js").Place>, replace?: boolean) => void,
 *   href: (to: Partial<import("./state.js").Place>) => string,
 *   again: () => void, held: (error: string) => void}} Context
 */

/** The column of a figure.  @param {string} name @param {string} head
 * @param {(row: Row) => string} value @param {string} [sort] */
const figure = (name, head, value, sort) => ({ name, head, sort, kind: "figure",
	draw: (/** @type {HTMLElement} */ td, /** @type {Row} */ row) =>
		text(td, value(row)) });

/** @param {Context} c */
function columns(c) {
	const { t } = c;
	/** @param {HTMLElement} td @param {Row} row */
	const state = (td, row) => {
		const shape = child(td, 0, "span", "shape"), word = child(td, 1, "span");

		attribute(shape, "aria-hidden", "true");
		text(shape, SHAPES[/** @type {"fine"} */ (row.state)] || "–");
		text(word, t(row.word || row.state));
	};
	return {
		state: { name: "state", head: t("c_state"), sort: "trouble", draw: state },
		overloaded: { name: "overloaded", head: t("c_overloaded"),
			kind: "figure", sort: "overloaded", title: t("t_overloaded"),
			draw: (/** @type {HTMLElement} */ td, /** @type {Row} */ row) =>
				part(c, td, row.overloaded, row.servers, row.stale) },
		by: { name: "by", head: t("c_by"), kind: "figure", title: t("t_by"),
			draw: (/** @type {HTMLElement} */ td, /** @type {Row} */ row) =>
				part(c, td, row.overloaded_by, row.callers, row.stale) },
		since: { name: "since", head: t("c_since"), kind: "figure",
			sort: "since", title: t("t_since"),
			draw: (/** @type {HTMLElement} */ td, /** @type {Row} */ row) =>
				since(c, td, row) },
		errors: { name: "errors", head: t("c_errors"), kind: "figure",
			sort: "errors", title: t("t_errors"), draw: errors },
		reports: figure("reports", t("c_reports"),
			(r) => short(r.reports_per_s), "reports"),
		succ: figure("succ", t("c_succ"), (r) => short(r.succ), "succ"),
		err: figure("err", t("c_err"), (r) => short(r.err)),
		callers: figure("callers", t("c_callers"), (r) => short(r.callers),
			"callers"),
		age: figure("age", t("c_age"), (r) => duration(r.age, t), "age"),
	};
}

/** "2 / 40 +1 stale"  @param {Context} c @param {HTMLElement} td
 * @param {number} some @param {number} all @param {number} stale */
function part(c, td, some, all, stale) {
	text(child(td, 0, "span", "stale"),
		stale > 0 ? c.t("stale", { n: stale }) + " " : "");
	text(child(td, 1, "b"), some);
	text(child(td, 2, "span", "dim"), " / " + all);
	td.classList.toggle("some", some > 0);
}

/** @param {Context} c @param {HTMLElement} td @param {Row} row */
function since(c, td, row) {
	const known = row.since != null;
	const d = known ? duration(row.now - row.since, c.t) : "";

	text(child(td, 0, "span"), !known ? "" : row.since_known ?
		clock(row.since, row.now, true) + " " : "");
	text(child(td, 1, "span", "dim"), !known ? "" : row.since_known ? d :
		c.t("for_more", { d }));
	attribute(td, "title", known ? sentence(c, row) : null);
}

/** Since when, as part of a sentence.  @param {Context} c @param {Row} row */
const sentence = (c, row) => c.t(row.since_known ? "since" : "since_more", {
	t: clock(row.since, row.now), d: duration(row.now - row.since, c.t) });

/** @param {HTMLElement} td @param {Row} row */
function errors(td, row) {
	const some = row.succ + row.err > 0;

	child(td, 0, "span", "bar").style.setProperty("--share",
		String(row.error_share || 0));
	text(child(td, 1, "span"), some ? percent(row.error_share) + " %" : "–");
	td.classList.toggle("few", row.succ + row.err < FEW_CALLS);
	td.classList.toggle("many", row.state === "errors" ||
		row.error_share >= 0.05);
}

/** The name and number of a service.  @param {HTMLElement} e @param {Row} row */
function service_name(e, row) {
	text(child(e, 0, "bdi", "name"), row.name || "");
	text(child(e, 1, "span", "number"), row.modid + "/" + row.cmdid);
}

/** Samples of the last ten minutes: as many as fill the time.
 * @param {[number, number]} head @param {number[][]} own */
function samples([, step], own) {
	const room = Math.max(2, Math.round(WINDOW_S / step));

	return { room, errors: own[0].slice(-room), overloads: own[1].slice(-room) };
}

/** @param {Context} c @param {HTMLElement} e @param {any} history of an answer
 * @param {number} index @param {number} height */
function draw_history(c, e, history, index, height) {
	if (!history?.[index + 1])
		return 0;
	const s = samples(history[0], history[index + 1]);
	const worst = Math.max(0, ...s.errors) / 1000, max = Math.max(worst, 0.1);

	chart(e, height, { band: bands(s.overloads, height, s.room),
		line: lines(s.errors, height, max * 1000, s.room) },
	`${c.t("c_history")}${c.t("comma")}${c.t("c_errors")} ≤ ${percent(worst)} %`);
	return max;
}

/* ---------------------------------------------------------------- services -- */

export class Services {
	/** @param {Context} c */
	constructor(c) {
		const { t } = c, l = columns(c);

		this.c = c;
		this.wanted = /** @type {string[]} */ ([]);
		this.shown = /** @type {string[]} */ ([]);
		this.ordered = -REORDER_MS;
		this.drawn = "";
		/** @type {Set<string>} those with their worst server below */
		this.worst = new Set();
		/** @type {Map<string, any>} what is known of these */
		this.details = new Map();
		this.table = new Table(t("services"), [l.state, {
			name: "service", head: t("c_service"), sort: "number",
			draw: (td, row) => {
				const a = child(td, 0, "a", "main");

				attribute(a, "href", c.href({ view: "service",
					modid: row.modid, cmdid: row.cmdid }));
				service_name(a, row);
			},
		}, l.overloaded, l.since, l.errors, l.reports, l.succ, l.err,
		l.callers, { name: "history", head: t("c_history"),
			title: t("t_history"),
			draw: (td, row) => draw_history(c, td, row.history, row.index, 20),
		}, l.age], (sort) => c.go({ sort }));
		this.input = /** @type {HTMLInputElement} */ (h("input", {
			type: "search", id: "filter", "aria-label": t("filter"),
			"aria-describedby": "wrong", autocomplete: "off",
			spellcheck: "false", maxlength: 250,
			placeholder: t("filter_hint"), input: () => this.typed(),
			keydown: (/** @type {KeyboardEvent} */ e) => {
				if (e.key === "Enter")
					c.go({ q: this.input.value.trim() });
			} }));
		this.input.value = c.place.q;
		this.wrong = h("span", { id: "wrong" });
		this.found = h("span", { class: "dim" });
		this.anew = h("button", { type: "button", class: "anew",
			click: () => this.update() });
		this.more = h("button", { type: "button", class: "more",
			click: () => this.grow() }, t("more"));
		this.count = h("span", { class: "dim" });
		this.none = h("p", { class: "dim none", hidden: true }, t("none"));
		this.element = h("section", {}, h("div", { class: "tools" },
			h("label", { for: "filter" }, t("filter")), this.input, this.wrong,
			this.found, this.anew), this.table.element, this.none,
		h("p", { class: "end" }, this.count, this.more));
		this.timer = 0;
	}

	get path() {
		const { q, sort, limit } = this.c.place;
		const a = new URLSearchParams({ sort, limit: String(limit),
			history: "1" });

		if (q)
			a.set("q", q);
		return "services?" + a;
	}

	typed() {
		clearTimeout(this.timer);
		this.timer = setTimeout(() =>
			this.c.go({ q: this.input.value.trim() }, true), 150);
	}

	/** Another filter or order of this same view. */
	changed() {
		if (this.input !== document.activeElement)
			this.input.value = this.c.place.q;
	}

	update() {
		this.drawn = "";
		this.c.again();
	}

	grow() {
		const { limit } = this.c.place;

		this.c.go({ limit: LIMITS.find((n) => n > limit) || limit });
	}

	/** The worst server of some services, asked for once a look.
	 * @param {any} data @param {AbortSignal} signal */
	async look_closer(data, signal) {
		const rows = objects(data.columns, data.rows);
		const keys = new Set([...this.worst, ...worst_of(rows)]);

		await Promise.all(rows.filter((r) => keys.has(key_of(r)) &&
			r.overloaded > 0 && r.servers <= WIDE).map(async (r) => {
			const key = key_of(r);

			if (this.details.get(key)?.as_of === data.as_of)
				return;
			const found = await this.c.api.get("services/" + key, signal)
				.catch(() => null);
			if (found !== null)
				this.details.set(key, { as_of: data.as_of,
					rows: objects(found.columns, found.rows).filter((s) =>
						s.state === "overloaded") });
		}));
		for (const key of this.details.keys())
			if (!keys.has(key))
				this.details.delete(key);
	}

	/** @param {AbortSignal} signal */
	async load(signal) {
		const path = this.path;
		const data = await this.c.api.get(path, signal);

		await this.look_closer(data, signal);
		return data;
	}

	/** What was known of the same list.  */
	last() {
		return this.c.api.last(this.path);
	}

	/** @param {any} data */
	draw(data) {
		const rows = objects(data.columns, data.rows);
		const due = performance.now() - this.ordered >= REORDER_MS;
		const same = this.drawn === this.path;
		const now = order(this.shown, rows.map(key_of),
			!same || (due && !this.table.held));

		this.drawn = this.path;
		if (now.order !== this.shown) {
			this.ordered = performance.now();
			this.worst = new Set(worst_of(rows));
		}
		this.shown = now.order;
		this.draw_rows(rows, data);
		this.table.sorted(this.c.place.sort);
		text(this.anew, due && now.moved > 0 ?
			this.c.t("moved", { n: now.moved }) : "");
		this.draw_around(data, rows.length);
	}

	/** @param {Row[]} rows @param {any} data */
	draw_rows(rows, data) {
		const found = new Map(rows.map((row, index) => [key_of(row),
			Object.assign(row, { index, history: data.history,
				now: data.as_of })]));

		for (const key of this.shown) {
			const row = found.get(key);

			this.table.draw(key, row, row && row.overloaded > 0 &&
				this.worst.has(key) ? (td, r) => this.draw_worst(td, r) : null);
		}
		this.table.show(this.shown);
	}

	/** @param {HTMLElement} td @param {Row} row */
	draw_worst(td, row) {
		const { c } = this, servers = this.details.get(key_of(row))?.rows;
		const a = child(td, 0, "a");
		const worst = servers?.[0];

		if (worst)
			attribute(a, "href", c.href({ view: "server", modid: row.modid,
				cmdid: row.cmdid, server: address(worst) }));
		text(a, worst ? address(worst) : c.t("looking"));
		text(child(td, 1, "b"), worst ? says(c, worst.overloaded_by,
			worst.callers) : "");
		text(child(td, 2, "span"), worst ? sentence(c,
			Object.assign(worst, { now: row.now })) : "");
		text(child(td, 3, "span", "dim"), servers?.length > 1 ?
			c.t("others", { n: servers.length - 1 }) : "");
	}

	/** @param {any} data @param {number} length */
	draw_around(data, length) {
		const { t, lang, place } = this.c, n = count(data.total, lang);

		text(this.wrong, "");
		attribute(this.input, "aria-invalid", null);
		text(this.found, place.q ? t("found", { n }) : "");
		text(this.count, data.total > length ?
			t("shown", { m: count(length, lang), n }) : "");
		this.more.hidden = data.total <= length || place.limit >= 1000;
		this.none.hidden = length > 0 || !place.q;
		this.table.element.hidden = length === 0;
		/* Nothing to filter: the banner says what to do. */
		this.element.hidden = data.verdict?.services === 0;
	}

	/** An argument was refused: it is the filter.  @param {string} reason */
	refused(reason) {
		text(this.wrong, reason);
		attribute(this.input, "aria-invalid", "true");
		text(this.found, "");
	}
}

const key_of = (/** @type {Row} */ r) => r.modid + "/" + r.cmdid;
const address = (/** @type {Row} */ r) => r.ip + ":" + r.port;
const worst_of = (/** @type {Row[]} */ rows) =>
	rows.filter((r) => r.overloaded > 0).slice(0, WORST).map(key_of);

/** How many callers call a server overloaded.  @param {Context} c
 * @param {number} m @param {number} n */
const says = (c, m, n) => n === 1 ? c.t("of_one") :
	m === n ? c.t("of_all", { n }) : c.t("of_callers", { m, n });

/* ----------------------------------------------------------------- service -- */

/** Where one is: a link to each level above.  @param {Context} c
 * @param {HTMLElement} e @param {Row} row the service
 * @param {string} [server] */
function draw_trail(c, e, row, server) {
	const up = child(e, 0, "a");

	text(up, c.t("services"));
	attribute(up, "href", c.href(above(c.place, { view: "services" })));
	if (server) {
		const own = child(e, 1, "a");

		service_name(own, row);
		attribute(own, "href", c.href({ view: "service" }));
	}
}

export class Service {
	/** @param {Context} c */
	constructor(c) {
		const { t } = c, l = columns(c);

		this.c = c;
		this.events = /** @type {Row[]} */ ([]);
		this.next = 0;
		this.trail = h("nav", { class: "trail", "aria-label": t("c_service") });
		this.title = h("h1", { tabindex: -1 });
		this.sum = h("p", { class: "sum" });
		this.max = h("span", { class: "max" });
		this.time = h("div", { class: "time" });
		this.table = new Table(t("c_server"), [unsorted(l.state), {
			name: "server", head: t("c_server"), draw: (td, row) => {
				const a = child(td, 0, "a", "main");

				attribute(a, "href", c.href({ view: "server",
					server: address(row) }));
				text(a, address(row));
			},
		}, l.by, unsorted(l.since), { name: "history", head: t("c_history"),
			title: t("t_history"), draw: (td, row) => chart(td, 20, {
				band: spans(row.events, row.since, row.now, WINDOW_S, 20) },
			t("c_history")),
		}, ...[l.errors, l.reports, l.succ, l.err, l.age].map(unsorted)]);
		this.element = h("section", {}, this.trail, this.title, this.sum,
			h("figure", { class: "timeline" }, this.max, this.time,
				h("figcaption", {}, h("span", {}, "−10 " + t("min")),
					h("span", {}, t("t_history")),
					h("span", {}, clock_now(c)))), this.table.element);
	}

	get path() {
		const { modid, cmdid } = this.c.place;

		return `services/${modid}/${cmdid}`;
	}

	/** @param {AbortSignal} signal */
	async load(signal) {
		const data = await this.c.api.get(this.path, signal);

		if (data.as_of !== this.as_of)
			await this.load_events(signal).catch(() => null);
		this.as_of = data.as_of;
		return data;
	}

	/** @param {AbortSignal} signal */
	async load_events(signal) {
		const { modid, cmdid } = this.c.place;
		const e = await this.c.api.get("events?since=" + this.next, signal);

		this.events = (e.lost ? [] : this.events).concat(
			objects(e.columns, e.rows).filter((r) =>
				r.modid === modid && r.cmdid === cmdid)).slice(-4096);
		this.next = e.next;
	}

	last() {
		return this.c.api.last(this.path);
	}

	/** @param {any} data */
	draw(data) {
		const { c } = this, row = { ...data.service, now: data.as_of };
		/** @type {Map<string, Row[]>} */
		const of = new Map();

		for (const e of this.events)
			of.set(address(e), [...of.get(address(e)) || [], e]);
		draw_trail(c, this.trail, row);
		service_name(this.title, row);
		draw_sum(c, this.sum, row, service_sum(c, row));
		const max = draw_history(c, this.time, data.history, 0, 60);
		text(this.max, max ? percent(max) + " %" : "");
		text(/** @type {Node} */ (this.element.querySelector(
			"figcaption span:last-child")), clock(data.as_of, data.as_of));
		this.table.draw_all(objects(data.columns, data.rows).map((r) =>
			Object.assign(r, { now: data.as_of,
				events: of.get(address(r)) || [] })), address);
	}

	/** What the window's title says.  @param {any} data */
	heading(data) {
		const row = data.service;

		return SHAPES[/** @type {"fine"} */ (row.state)] + " " +
			(row.name || key_of(row)) + ": " + this.sum.textContent;
	}
}

/** @template {{sort?: string}} T @param {T} column */
const unsorted = (column) => ({ ...column, sort: undefined });
const clock_now = (/** @type {Context} */ c) => clock(c.api.now(), c.api.now());

/** @param {Context} c @param {HTMLElement} e @param {Row} row
 * @param {string} words */
function draw_sum(c, e, row, words) {
	const shape = child(e, 0, "span", "shape");

	attribute(e, "data-state", row.state);
	attribute(shape, "aria-hidden", "true");
	text(shape, SHAPES[/** @type {"fine"} */ (row.state)] || "");
	text(child(e, 1, "span"), words);
}

/** @param {Context} c @param {Row} row */
function service_sum(c, row) {
	const { t } = c, n = row.servers, d = duration(row.age, t);
	const p = row.succ + row.err > 0 ? t("space") + t("sum_errors",
		{ p: percent(row.error_share) }) : "";

	if (row.state === "silent")
		return t("sum_silent", { d });
	if (row.state === "late")
		return t("sum_late", { d });
	if (row.overloaded === 0)
		return t(n === 1 ? "sum_fine_one" : "sum_fine", { n }) + p;
	return t(n === 1 ? "sum_over_one" : "sum_over",
		{ n, m: row.overloaded, s: sentence(c, row) }) + p;
}

/* ------------------------------------------------------------------ server -- */

export class Server {
	/** @param {Context} c */
	constructor(c) {
		const { t } = c, l = columns(c);

		this.c = c;
		this.trail = h("nav", { class: "trail", "aria-label": t("c_service") });
		this.title = h("h1", { tabindex: -1 }, c.place.server || "");
		this.sum = h("p", { class: "sum" });
		this.since = h("p", { class: "dim" });
		this.table = new Table(t("c_callers"), [
			{ ...unsorted(l.state), head: t("c_says") },
			caller_column(c, t("c_caller")),
			...[l.errors, l.succ, l.err].map(unsorted),
			figure("seen", t("c_seen"), (r) => clock(r.ts, r.now)),
			unsorted(l.age), figure("count", t("c_count"),
				(r) => short(r.reports))]);
		this.element = h("section", {}, this.trail, this.title, this.sum,
			this.since, this.table.element);
	}

	get above() {
		return `services/${this.c.place.modid}/${this.c.place.cmdid}`;
	}

	get path() {
		return this.above + "/callers?limit=1000&server=" +
			this.c.place.server;
	}

	/** @param {AbortSignal} signal */
	async load(signal) {
		const [head, callers] = await Promise.all([
			this.c.api.get(this.above, signal),
			this.c.api.get(this.path, signal)]);

		return { ...head, callers };
	}

	last() {
		const head = this.c.api.last(this.above);
		const callers = this.c.api.last(this.path);

		return head && callers ? { ...head, callers } : undefined;
	}

	/** @param {any} data */
	draw(data) {
		const { c } = this, { callers } = data;
		const own = objects(data.columns, data.rows).find((r) =>
			address(r) === c.place.server);
		const rows = objects(callers.columns, callers.rows).map((r) =>
			Object.assign(r, { now: data.as_of }, says_what(r)));

		rows.sort((a, b) => a.rank - b.rank);
		draw_trail(c, this.trail, data.service, c.place.server);
		draw_sum(c, this.sum, own || { state: "silent" },
			server_sum(c, rows.filter((r) => r.rank < 2)));
		text(this.since, own?.since != null ? sentence(c,
			Object.assign(own, { now: data.as_of })) : "");
		this.table.draw_all(rows, (r) => r.caller);
	}

	/** @param {any} data */
	heading(data) {
		return `${this.c.place.server} (${data.service.name ||
			key_of(data.service)}): ${this.sum.textContent}`;
	}
}

/** What a caller says, and its place in the list: a record that is not fresh
 * says nothing now.  @param {Row} r */
function says_what(r) {
	const old = r.state === "late" || r.state === "silent";

	return old ? { rank: 2, word: r.state } :
		r.overload ? { rank: 0, state: "overloaded", word: "overloaded" } :
			{ rank: 1, word: r.state === "errors" ? "errors" : "fine_caller" };
}

/** One caller's complaint tells of the caller, that of most of the server.
 * @param {Context} c @param {Row[]} fresh */
function server_sum({ t }, fresh) {
	const over = fresh.filter((r) => r.overload);
	const n = fresh.length, m = over.length;

	if (n === 0)
		return t("srv_silent");
	if (m === 0)
		return t("srv_none", { n });
	if (n === 1)
		return t("srv_only");
	if (m === n)
		return t("srv_all", { n });
	if (m === 1 && n > 2)
		return t("srv_one", { c: over[0].caller, n: n - 1 });
	return t(m * 2 < n ? "srv_few" : "srv_most", { m, n });
}

/** A caller, with a link to all services that it calls.
 * @param {Context} c @param {string} head */
const caller_column = (c, head) => ({ name: "caller", head,
	draw: (/** @type {HTMLElement} */ td, /** @type {Row} */ row) => {
		const a = child(td, 0, "a", "main");

		text(a, row.caller || "–");
		attribute(a, "href", row.caller ? url({ ...c.place, view: "services",
			q: row.caller, sort: "trouble", limit: LIMITS[0] }) : null);
	} });

/* ------------------------------------------------------------------ agents -- */

const AGENTS = 1000;

export class Agents {
	/** @param {Context} c */
	constructor(c) {
		const { t } = c;

		this.c = c;
		this.title = h("h1", { tabindex: -1 }, t("agents"));
		this.sum = h("p", { class: "dim" });
		this.table = new Table(t("agents"), [
			{ name: "address", head: t("a_address"),
				draw: (td, row) => text(td, row.address) },
			caller_column(c, t("a_caller")),
			{ name: "dialect", head: t("a_dialect"),
				draw: (td, row) => text(td, row.dialect) },
			figure("seen", t("a_since"), (r) => clock(r.since, r.now)),
			figure("reports", t("a_reports"), (r) => short(r.reports)),
			figure("records", t("a_records"), (r) => short(r.records)),
			figure("clock", t("a_clock"), (r) => r.clock_offset == null ? "–" :
				r.clock_offset + " " + t("s")),
			figure("throttled", t("a_throttled"), (r) =>
				duration(r.throttled, t)),
			figure("rejected", t("a_rejected"), (r) => short(r.bad))]);
		this.element = h("section", {}, this.title, this.sum,
			this.table.element);
	}

	/** @param {AbortSignal} signal */
	async load(signal) {
		const [head, own] = await Promise.all([
			this.c.api.get("services?limit=1", signal),
			this.c.api.get("agents?limit=" + AGENTS, signal)]);

		return { ...head, own };
	}

	last() {
		return undefined;
	}

	/** @param {any} data */
	draw(data) {
		const { t, lang } = this.c, rows = data.own.agents;

		text(this.sum, t("a_count", { n: count(data.agents?.connected ??
			rows.length, lang) }) + (data.own.more ? t("semicolon") +
			t("a_more", { n: count(rows.length, lang) }) : ""));
		this.table.draw_all(rows.map((/** @type {Row} */ r) =>
			Object.assign(r, { now: data.as_of, bad: Object.values(
				r.rejected || {}).reduce((a, b) => a + b, 0) })),
		(r) => r.address);
	}

	heading() {
		return this.c.t("agents");
	}
}
