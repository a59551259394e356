// SPDX-License-Identifier: MIT
// @ts-check
// The instance, and the help.
import { clock, count, duration, short } from "./format.js";
import { Table, child, column, h, put, text } from "./table.js";

const TERMS = ["rejected", "dropped", "queued", "pending", "superseded",
	"stored", "dead_letter"];
const RATES = ["received", "superseded", "stored"];
const KEYS = [["/ f", "filter"], ["↑ ↓", "k_rows"], ["Enter", "k_open"],
	["Esc Backspace", "k_back"], ["p", "k_pause"], ["u", "k_update"],
	["m", "more"], ["t", "k_trouble"], ["o", "c_overloaded"],
	["e", "c_errors"], ["r", "c_reports"], ["s", "c_succ"], ["c", "c_callers"],
	["a", "c_age"], ["n", "c_service"], ["?", "help"]];
const WORDS = ["c_service", "c_server", "c_caller", "overloaded", "errors",
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
			column("state", t("c_state"), (w) => w.segment_error || w.state),
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
				h("div", {}, h("h2", {}, t("i_identity")), this.identity),
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

	last() {}

	draw(data) {
		const { t, lang } = this.c, s = data.own, r = s.records;
		const line = (name) => [t(`r_${name}`), count(r[name], lang)];

		text(this.sum, [s.instance, s.version, s.running ?
			t("i_up", { d: duration(s.uptime, t) }) : t("i_down")]
			.join(t("comma")));
		draw_list(this.identity, [...TERMS.map(line), [t("i_sum"), count(
			TERMS.reduce((n, name) => n + r[name], 0), lang)],
		line("received")]);
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

		draw_list(this.words, WORDS.map((name) => [t(name), t(
			`w_${name.replace(/^\w_/, "")}`, { f: data.fresh_s ?? 45, s: data.silent_s ?? 300 })]));
	}
}
