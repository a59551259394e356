// SPDX-License-Identifier: MIT
// @ts-check
// The instance, and the help.
import { clock, count, duration, short } from "./format.js";
import { child, h, Table, text } from "./table.js";

const TERMS = ["rejected", "dropped", "queued", "pending", "superseded",
	"stored", "dead_letter"];
const RATES = ["reports", ...["received", "superseded", "stored"]];

/** @typedef {import("./views.js").Context} Context */
/** @typedef {import("./table.js").Row} Row */

/** @param {string} name @param {string} head @param {(row: Row) => any} value
 * @param {string} [kind] */
const column = (name, head, value, kind = "figure") => ({ name, head, kind,
	draw: (/** @type {HTMLElement} */ td, /** @type {Row} */ row) =>
		text(td, value(row)) });

export class Instance {
	/** @param {Context} c */
	constructor(c) {
		const { t, lang } = c;

		this.c = c;
		this.title = h("h1", { tabindex: -1 }, t("instance"));
		this.sum = h("p", { class: "dim" });
		this.identity = h("dl", { class: "identity" });
		this.rates = h("div");
		this.workers = new Table(t("i_workers"), [
			column("worker", t("i_worker"), (w) => w.slot),
			column("state", t("c_state"), (w) => w.segment_error || w.state, ""),
			column("keys", t("i_keys"), (w) => short(w.keys)),
			column("room", t("i_room"), (w) => short(w.table_keys)),
			column("queued", t("r_queued"), (w) => short(w.queued)),
			column("pending", t("r_pending"), (w) => short(w.pending)),
			column("stored", t("r_stored"), (w) => short(w.stored)),
			column("flush", t("i_flush"), (w) => w.last_flush_ts ?
				clock(w.last_flush_ts, c.api.now()) : "–"),
			column("database", t("i_database"), (w) => t(w.connected ?
				"i_connected" : "i_apart") + (w.host ? " " + w.host : ""), ""),
			column("error", t("i_error"), (w) => w.last_error || "–", "")]);
		this.lang = lang;
		this.element = h("section", { class: "instance" }, this.title, this.sum,
			h("h2", {}, t("i_identity")), this.identity,
			h("h2", {}, t("i_rates")), this.rates,
			h("h2", {}, t("i_workers")), this.workers.element);
	}

	/** @param {AbortSignal} signal */
	async load(signal) {
		const [head, own] = await Promise.all([
			this.c.api.get("services?limit=1", signal).catch((e) => {
				if (e.status === 503)
					return { as_of: this.c.api.now() };
				throw e;
			}), this.c.api.get("status", signal)]);

		return { ...head, own };
	}

	last() {
		return undefined;
	}

	/** @param {any} data */
	draw(data) {
		const { t } = this.c, s = data.own, r = s.records || {};

		text(this.sum, [s.instance, t("i_version", { v: s.version }),
			s.running ? t("i_uptime", { d: duration(s.uptime, t) }) :
				t("i_down")].join(t("comma")));
		const sum = TERMS.reduce((n, name) => n + (r[name] || 0), 0);
		[["r_received", r.received], ["", "="],
			...TERMS.map((name) => ["r_" + name, r[name]]), ["i_sum", sum]]
			.filter(([name]) => name).forEach(([name, n], i) => {
				const line = child(this.identity, i, "div",
					i === 0 || name === "i_sum" ? "total" : "");

				text(child(line, 0, "dt"), t(name));
				text(child(line, 1, "dd"), count(n, this.lang));
			});
		this.draw_rates(s.rates || []);
		this.workers.draw_all(s.workers || [], (w) => String(w.slot) +
			"." + w.generation);
	}

	/** @param {Row[]} rates one of each span */
	draw_rates(rates) {
		const { t } = this.c;

		if (!this.table && rates.length > 0) {
			this.table = new Table(t("i_rates"), [
				column("what", t("i_second"), (r) => r.what, ""),
				...rates.map((r, i) => column("rate", t("i_of",
					{ n: r.span }), (row) => short(row.values[i])))]);
			this.rates.append(this.table.element);
		}
		this.table?.draw_all(RATES.map((name) => ({ name,
			what: t(name === "reports" ? "a_reports" : "r_" + name),
			values: rates.map((r) => r[name]) })), (r) => r.name);
	}

	heading() {
		return this.c.t("instance");
	}
}

const KEYS = [["/ f", "filter"], ["↑ ↓", "rows"], ["Enter", "open"],
	["Backspace Esc", "back"], ["p", "pause"], ["u", "update"], ["m", "more"],
	["t", "trouble"], ["o", "overloaded"], ["e", "errors"], ["r", "reports"],
	["s", "succ"], ["a", "age"], ["n", "number"], ["?", "help"]];
const TERMS_OF_HELP = ["service", "server", "caller", "overloaded", "errors",
	"late", "silent", "fine", "trouble", "filter"];

export class Help {
	/** @param {Context} c */
	constructor(c) {
		this.c = c;
		this.words = h("dl", { class: "words" });
		this.element = h("section", { class: "help" },
			h("h1", { tabindex: -1 }, c.t("help")),
			h("h2", {}, c.t("h_keys")),
			h("dl", { class: "keys" }, ...KEYS.map(([keys, name]) => h("div", {},
				h("dt", {}, ...keys.split(" ").map((k) => h("kbd", {}, k))),
				h("dd", {}, c.t("k_" + name))))),
			h("h2", {}, c.t("h_words")), this.words);
	}

	/** @param {AbortSignal} signal */
	load(signal) {
		return this.c.api.get("services?limit=1", signal);
	}

	last() {
		return {};
	}

	/** @param {any} data */
	draw(data) {
		const { t } = this.c;
		const names = { service: t("c_service"), server: t("c_server"),
			caller: t("c_caller"), trouble: t("k_trouble"), filter: t("filter") };

		TERMS_OF_HELP.forEach((name, i) => {
			const line = child(this.words, i, "div");

			text(child(line, 0, "dt"), names[/** @type {"filter"} */ (name)] ||
				t(name));
			text(child(line, 1, "dd"), t("w_" + name,
				{ f: data.fresh_s ?? 45, s: data.silent_s ?? 300 }));
		});
	}

	heading() {
		return this.c.t("help");
	}
}
