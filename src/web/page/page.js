// SPDX-License-Identifier: MIT
// @ts-check
// The page: its frame (verdict, freshness, banners), its views, its keys.
import { Help, Instance } from "./about.js";
import { clock, count, duration, short } from "./format.js";
import { Api, Poll } from "./poll.js";
import { above, place, url } from "./state.js";
import { attribute, h, text } from "./table.js";
import { Agents, Server, Service, Services } from "./views.js";
import { language, translator } from "./words.js";

const BEHIND_S = 30; // a database that is further behind is worth a banner
const STALE_S = 30;  // a look that is older is shown grey
const VIEWS = { services: Services, service: Service, server: Server,
	agents: Agents, instance: Instance, help: Help };
const SORT_KEYS = { t: "trouble", o: "overloaded", e: "errors", r: "reports",
	s: "succ", a: "age", n: "number" };
const SAMPLE = "echo 1 2 127.0.0.1 0 10.0.0.1 8080 100 3 0 | reporter-send";

const read_place = () => place(location.pathname, location.search);
let here = read_place();
const lang = language(here.lang, navigator.languages);
const t = translator(lang);
const n = (/** @type {number} */ value) => count(value, lang);
const api = new Api(here.base);
/** @type {Partial<import("./state.js").Place>} what the list had last */
let list = {};
/** @type {Map<string, string>} the row that was opened, by view */
const opened = new Map();
/** @type {Map<string, number>} by URL */
const scrolls = new Map();
/** @type {any} the view, and the head of the newest answer */
let view, head = null;
let trouble = "", failure = "", announced = "";

/* ------------------------------------------------------------------- frame -- */

const links = ["services", "agents", "instance", "help"].map((name) =>
	h("a", { "data-view": name }, t(name)));
const pause = h("button", { type: "button", "aria-pressed": "false",
	title: "p", click: () => set_paused(!poll.paused) }, t("pause"));
const update = h("button", { type: "button", hidden: true,
	click: () => renew() }, t("update"));
const other = h("a", { class: "language", lang: lang === "zh" ? "en" : "zh" },
	t("language"));
const verdict = h("h1", { class: "verdict", tabindex: -1 }, h("b"), h("span"));
const freshness = h("p", { class: "freshness" });
const banners = h("div", { class: "banners" });
const live = h("p", { class: "away", role: "status" });
const name = h("span", { class: "dim" });
const main = h("main", {});

document.documentElement.lang = lang === "zh" ? "zh-CN" : lang;
document.body.append(h("header", {}, h("div", { class: "brand" },
	h("strong", {}, "reporter"), name), h("nav", { "aria-label": "reporter" },
	...links), h("div", { class: "right" }, freshness, update, pause, other)),
banners, main, live);

/** The verdict: what is the matter first, then the rest.  @param {any} d */
function verdict_of(d) {
	const v = d.verdict, joined = t("semicolon");

	if (v.services === 0)
		return { main: t("v_empty"), rest: "" };
	const fine = v.services - v.overloaded_services - v.error_services -
		v.silent_services - v.late_services;
	const rest = [["v_errors", v.error_services], ["v_silent",
		v.silent_services], ["v_late", v.late_services], ["v_fine", fine],
	["v_callers", v.silent_callers]].filter(([, some]) => some > 0)
		.map(([key, some]) => t(key, { n: n(some) }));
	const main_part = v.overloaded_services === 0 ? t("v_none") :
		t("v_overloaded", { n: n(v.overloaded_services) }) + t("space") +
		t("v_servers", { n: n(v.overloaded_servers) }) +
		(v.new_overloaded > 0 ?
			t("comma") + t("v_new", { n: n(v.new_overloaded) }) : "");

	return { main: main_part, rest: rest.length > 0 ?
		joined + rest.join(joined) : "" };
}

/** @param {any} d the head of an answer */
function draw_head(d) {
	head = d;
	text(name, d.instance || "");
	if (d.verdict) {
		const v = verdict_of(d);

		text(verdict.children[0], v.main);
		text(verdict.children[1], v.rest);
		attribute(verdict, "data-state",
			d.verdict.overloaded_services > 0 ? "overloaded" : "fine");
	}
	announce(d);
	draw_clock();
	draw_banners();
}

/** Tell who cannot see it of a change in what is the matter, and of no other.
 * @param {any} d */
function announce(d) {
	const v = d.verdict;

	if (!v)
		return;
	const now = [v.overloaded_services, v.overloaded_servers, v.error_services]
		.join();
	if (announced !== "" && announced !== now)
		text(live, verdict.textContent || "");
	announced = now;
}

function draw_title() {
	const own = here.view === "services" ? head?.verdict ?
		(head.verdict.overloaded_services > 0 ? "▲ " : "") +
		verdict.textContent : "" : view.heading && head ?
		view.heading(view.data) : "";

	document.title = (own ? own + " – " : "") + "reporter";
}

function draw_clock() {
	if (head === null) {
		text(freshness, failure ? "" : t("v_wait"));
		return;
	}
	const age = Math.max(0, api.now() - head.as_of);
	const parts = [t("as_of", { t: clock(head.as_of, api.now()) }) +
		t("comma") + t("ago", { d: duration(age, t) })];

	if (head.reports_per_s != null)
		parts.push(t("reports", { n: short(head.reports_per_s) }));
	if (head.database)
		parts.push(!head.database.connected ? t("apart") :
			t("behind", { d: duration(head.database.behind_s, t) }));
	if (poll.paused)
		parts.unshift(t("paused"));
	text(freshness, parts.join(t("semicolon")));
	document.body.classList.toggle("stale", failure !== "" ||
		(head.reporter && head.reporter !== "running") ||
		(!poll.paused && age > STALE_S + (head.interval_s || 0)));
}

/* ----------------------------------------------------------------- banners -- */

/** What is the matter beside services: texts, the gravest first. */
function matters() {
	const d = head, at = d ? clock(d.as_of, api.now()) : "";
	/** @type {string[]} */
	const found = failure ? [failure] : [];

	if (d === null)
		return found;
	if (d.reporter && d.reporter !== "running")
		found.push(t("b_" + d.reporter, { t: at }));
	else if (d.database && !d.database.connected)
		found.push(t("b_apart"));
	else if (d.database?.behind_s > BEHIND_S)
		found.push(t("b_behind", { d: duration(d.database.behind_s, t) }));
	const v = d.verdict;
	if (v?.truncated)
		found.push(t("b_truncated"));
	if (v?.services > 0 && d.agents?.connected > 0 && d.reporter === "running" &&
	    v.callers === v.silent_callers + v.late_callers)
		found.push(t("b_silent", { n: n(d.agents.connected),
			d: duration(d.fresh_s, t) }));
	if (v?.services === 0)
		found.push(t("b_empty") + "\n" + SAMPLE);
	return found;
}

function draw_banners() {
	const wanted = matters();

	while (banners.children.length > wanted.length)
		banners.lastElementChild?.remove();
	wanted.forEach((line, i) => {
		const [words, sample] = line.split("\n");

		if (banners.children.length <= i)
			banners.append(h("p", {}, h("span"), h("code")));
		text(banners.children[i].children[0], words);
		text(banners.children[i].children[1], sample || "");
	});
}

/** @param {any} error @param {number} retry_ms */
function failed(error, retry_ms) {
	const d = duration(retry_ms / 1000, t);

	if (error.status === 400 && view.refused) {
		view.refused(error.message);
		failure = "";
	} else if (error.status === 404) {
		failure = t("gone");
	} else if (error.status) {
		failure = t("b_error", { e: error.message });
	} else if (error instanceof TypeError || error.name === "AbortError") {
		failure = head === null ? t("b_first", { d }) :
			t("b_answer", { d, t: clock(head.as_of, api.now()) });
	} else {
		failure = String(error);
		console.error(error);
	}
	draw_clock();
	draw_banners();
}

/* ------------------------------------------------------------------- views -- */

/** @param {AbortSignal} signal */
async function ask(signal) {
	const asked = view, data = await asked.load(signal);

	if (asked !== view || signal.aborted)
		return;
	failure = "";
	draw(data);
}

/** @param {any} data */
function draw(data) {
	view.data = data;
	view.draw(data);
	if (data.as_of !== undefined)
		draw_head(data);
	draw_title();
	if (restore !== null && data.as_of !== undefined) {
		scrollTo(0, restore);
		restore = null;
	}
}

const poll = new Poll(ask, failed);
/** @type {number | null} where to scroll after the first drawing */
let restore = null;

/** @type {import("./views.js").Context} */
const context = {
	t, lang, api,
	get place() {
		return here;
	},
	go, again: () => renew(),
	href: (to) => url({ ...here, ...to }),
	held: () => undefined,
};

/** Go to another place, which the URL then says.
 * @param {Partial<import("./state.js").Place>} to
 * @param {boolean} [replace] the entry of the history */
function go(to, replace = false) {
	const next = { ...here, ...to }, at = url(next);

	scrolls.set(url(here), scrollY);
	if (at !== url(here))
		history[replace ? "replaceState" : "pushState"](null, "", at);
	else if (replace)
		return;
	arrive(next, 0);
}

/** @param {import("./state.js").Place} next @param {number} scroll */
function arrive(next, scroll) {
	const same = next.view === "services" && here.view === "services" && view;

	here = next;
	if (same) {
		view.changed();
	} else {
		show();
		restore = scroll;
	}
	draw_frame();
	const known = view.last();
	if (known)
		draw(known);
	if (!known || !poll.paused)
		poll.now();
}

/** Make the view of this place. */
function show() {
	const first = view === undefined;

	view = new VIEWS[/** @type {"help"} */ (here.view)](context);
	failure = "";
	main.replaceChildren(...(here.view === "services" ? [verdict] : []),
		view.element);
	if (!first)
		main.querySelector("h1")?.focus({ preventScroll: true });
}

function draw_frame() {
	if (here.view === "services")
		list = { q: here.q, sort: here.sort, limit: here.limit };
	for (const a of links) {
		const to = a.dataset.view || "";

		attribute(a, "href", url({ ...here, ...list, view: to }));
		attribute(a, "aria-current", to === here.view ? "page" :
			to === "services" && here.view.startsWith("serv") ? "true" : null);
	}
	attribute(other, "href", url({ ...here, lang: lang === "zh" ? "en" : "zh" }));
	draw_title();
}

/** @param {boolean} paused */
function set_paused(paused) {
	poll.pause(paused);
	text(pause, t(paused ? "resume" : "pause"));
	attribute(pause, "aria-pressed", paused);
	update.hidden = !paused;
	draw_clock();
}

/** Ask and sort now. */
function renew() {
	if (view.drawn)
		view.drawn = "";
	poll.now();
}

/* -------------------------------------------------------------------- keys -- */

function back() {
	const active = /** @type {HTMLElement} */ (document.activeElement);

	if (main.contains(active) && active.closest("table"))
		active.blur();
	else if (here.view !== "services")
		go(here.view.startsWith("serv") ? above(here, list) :
			{ ...list, view: "services" });
	else if (here.q)
		go({ q: "" });
}

/** @param {KeyboardEvent} e */
function in_filter(e) {
	if (e.key === "ArrowDown") {
		view.table.step(1);
	} else if (e.key === "Escape") {
		if (view.input.value === "")
			view.input.blur();
		view.input.value = "";
		view.typed();
	} else {
		return;
	}
	e.preventDefault();
}

/** @param {string} key */
function pressed(key) {
	const sort = SORT_KEYS[/** @type {"t"} */ (key)];

	if (key === "/" || key === "f") {
		if (here.view !== "services")
			go({ ...list, view: "services" });
		view.input.focus();
		view.input.select();
	} else if (key === "p") {
		set_paused(!poll.paused);
	} else if (key === "u") {
		renew();
	} else if (key === "m" && view.more && !view.more.hidden) {
		view.grow();
	} else if (key === "?") {
		go({ view: "help" });
	} else if (key === "Backspace" || key === "Escape") {
		back();
	} else if ((key === "ArrowDown" || key === "ArrowUp") && view.table) {
		view.table.step(key === "ArrowDown" ? 1 : -1,
			opened.get(here.view));
	} else if (sort && here.view === "services") {
		go({ sort });
	} else {
		return false;
	}
	return true;
}

document.addEventListener("keydown", (e) => {
	const target = /** @type {HTMLElement} */ (e.target);

	if (e.ctrlKey || e.metaKey || e.altKey)
		return;
	if (target instanceof HTMLInputElement)
		in_filter(e);
	else if (pressed(e.key))
		e.preventDefault();
});

document.addEventListener("click", (e) => {
	const target = /** @type {HTMLElement} */ (e.target);
	const row = target.closest?.("tr[data-key]");
	const link = /** @type {HTMLAnchorElement | null} */ (
		target.closest("a") || (getSelection()?.isCollapsed &&
			row?.querySelector("a.main[href]")));

	if (!link || link === other || e.ctrlKey || e.metaKey || e.shiftKey ||
	    e.button !== 0)
		return;
	if (row)
		opened.set(here.view, row.getAttribute("data-key") || "");
	e.preventDefault();
	go(place(link.pathname, link.search));
});

addEventListener("popstate", () => {
	scrolls.set(url(here), scrollY);
	here.q !== undefined && arrive(read_place(), scrolls.get(url(read_place())) ||
		0);
});

history.scrollRestoration = "manual";
setInterval(() => {
	if (!document.hidden)
		draw_clock();
}, 1000);
show();
draw_frame();
draw_clock();
poll.resume();
