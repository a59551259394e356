// SPDX-License-Identifier: MIT
// @ts-check
// The page: its frame (verdict, freshness, banners), its views, its keys.
import { clock, count, duration, short } from "./format.js";
import { Api, Poll } from "./poll.js";
import { SORTS, SORT_KEYS, above, place, url } from "./state.js";
import { attribute, h, put, text } from "./table.js";
import { Agents, Help, Instance, SHAPES, Server, Service, Services }
	from "./views.js";
import { language, translator } from "./words.js";

const BEHIND_S = 30; // a database that is further behind is worth a banner
const STALE_S = 30;  // a look that is older is shown grey
const VIEWS = { services: Services, service: Service, server: Server,
	agents: Agents, instance: Instance, help: Help };
const SAMPLE = "echo 1 2 127.0.0.1 0 10.0.0.1 8080 100 3 0 | reporter-send";

const read = () => place(location.pathname, location.search);
let here = read();
const lang = language(here.lang, navigator.languages);
const t = translator(lang);
const number = (n) => count(n, lang);
const api = new Api(here.base);
const opened = new Map();  // the row that was opened, by view
const scrolls = new Map(); // by URL
let list = {};             // what the list of services had last
let head = /** @type {any} */ (null); // of the newest answer
let view = /** @type {any} */ (null);
let committed = url(here); // what the entry of the history was made for
let failure = "", announced = "", restore = -1;

/* ------------------------------------------------------------------- frame -- */

const links = ["services", "agents", "instance", "help"].map((name) =>
	h("a", { "data-view": name }, t(name)));
const button = (id, click) => h("button", { id, type: "button", click }, t(id));
const pause = button("pause", () => set_paused(!poll.paused));
const update = button("update", renew);
const other = h("a", { class: "button", hreflang: lang === "zh" ? "en" : "zh" },
	t("language"));
const verdict = h("h1", { id: "verdict", tabindex: -1 }, h("b"), h("span"));
const fresh = h("p", { id: "fresh" }, h("span"), h("span"));
const banner = h("div", { id: "banner", hidden: true });
const live = h("p", { id: "live", class: "away", role: "status" });
const name = h("span", { class: "dim" });
const main = h("main");

document.documentElement.lang = lang === "zh" ? "zh-CN" : lang;
document.body.append(h("header", {}, h("div", {}, h("b", {}, "reporter"), " ",
	name), h("nav", { "aria-label": "reporter" }, ...links), fresh,
h("div", { class: "right" }, update, pause, other)), banner, main, live);

// The verdict: what is the matter, then the rest.
function draw_verdict(v) {
	const fine = v.services - v.overloaded_services - v.error_services -
		v.silent_services - v.late_services;
	const rest = [["v_errors", v.error_services], ["v_silent",
		v.silent_services], ["v_late", v.late_services], ["v_fine", fine],
	["v_callers", v.silent_callers]].filter(([, n]) => n > 0)
		.map(([key, n]) => t("semicolon") + t(key, { n: number(n) }));
	const matter = v.overloaded_services === 0 ?
		t(v.services === 0 ? "v_empty" : "v_none") :
		t("v_overloaded", { n: number(v.overloaded_services) }) +
		t("v_servers", { n: number(v.overloaded_servers) }) +
		(v.new_overloaded === 0 ? "" : t("comma") +
			t("v_new", { n: number(v.new_overloaded) }));
	const now = [v.overloaded_services, v.overloaded_servers, v.error_services]
		.join();

	put(verdict, 0, "b", matter);
	put(verdict, 1, "span", rest.join(""));
	attribute(verdict, "data-state",
		v.overloaded_services > 0 ? "overloaded" : "fine");
	/* Screen readers announce changes only. */
	if (announced !== "" && announced !== now)
		text(live, verdict.textContent);
	announced = now;
}

function draw_title(data) {
	const own = here.view === "services" ? head?.verdict &&
		(head.verdict.overloaded_services > 0 ? SHAPES.overloaded + " " : "") +
		verdict.textContent : view.heading ? data?.service &&
		view.heading(data) : t(here.view);

	document.title = (own ? own + " – " : "") + "reporter";
}

function draw_clock() {
	const age = head ? Math.max(0, api.now() - head.as_of) : 0;

	put(fresh, 0, "span", !head ? "" : (poll.paused ? t("paused") +
		t("semicolon") : "") + t("as_of", { t: clock(head.as_of, api.now()) }) +
		t("comma") + t("ago", { d: duration(age, t) }));
	put(fresh, 1, "span", (head?.reports_per_s == null ? "" : t("semicolon") +
		t("reports", { n: short(head.reports_per_s) })) +
		(!head?.database || head.reporter !== "running" ? "" :
			t("semicolon") + (head.database.connected ?
			t("behind", { d: duration(head.database.behind_s, t) }) :
			t("apart"))));
	document.body.classList.toggle("old", failure !== "" ||
		(head?.reporter && head.reporter !== "running") ||
		(!poll.paused && age > STALE_S + (head?.interval_s || 0)));
}

// What is the matter beside services, the gravest first.
function matters() {
	const d = head, v = d?.verdict, db = d?.database;
	const last = d ? " " + t("b_last", { t: clock(d.as_of, api.now()) }) : "";
	const found = failure ? [failure + last] : [];

	if (!d)
		return found;
	if (d.reporter && d.reporter !== "running")
		found.push(t(`b_${d.reporter}`) + last);
	else if (db && !db.connected)
		found.push(t("b_apart"));
	else if (db?.behind_s > BEHIND_S)
		found.push(t("b_behind", { d: duration(db.behind_s, t) }));
	if (v?.truncated)
		found.push(t("b_truncated"));
	if (v?.services === 0)
		found.push(t("b_empty"));
	else if (v && d.reporter === "running" && d.agents?.connected > 0 &&
	    v.callers <= v.silent_callers + v.late_callers)
		found.push(t("b_silent", { n: number(d.agents.connected),
			d: duration(d.fresh_s, t) }));
	return found;
}

function draw_banner() {
	const found = matters();

	while (banner.children.length > found.length)
		banner.lastElementChild?.remove();
	found.forEach((words, i) => {
		const line = banner.children[i] || banner.appendChild(h("p"));

		put(line, 0, "span", words);
		put(line, 1, "code", words === t("b_empty") ? SAMPLE : "");
	});
	banner.hidden = found.length === 0;
}

function failed(error, retry_ms) {
	if (error.status === 404)
		failure = t("b_gone");
	else if (error.status)
		failure = "reporter: " + error.message;
	else if (error instanceof TypeError || error.name === "AbortError")
		failure = t("b_answer", { d: duration(retry_ms / 1000, t) });
	else
		throw error;
	draw_clock();
	draw_banner();
}

/* ------------------------------------------------------------------- views -- */

async function ask(signal) {
	const asked = view, data = await asked.load(signal);

	if (asked !== view || signal.aborted)
		return;
	failure = "";
	draw(data);
}

function draw(data) {
	if (data.as_of) {
		head = data;
		text(name, data.instance || "");
		if (data.verdict)
			draw_verdict(data.verdict);
	}
	view.draw(data);
	draw_clock();
	draw_banner();
	draw_title(data);
	if (restore >= 0 && data.as_of) {
		scrollTo(0, restore);
		restore = -1;
	}
}

const poll = new Poll(ask, failed);
const context = {
	t, lang, api, go, renew,
	get place() {
		return here;
	},
	get list() {
		return list;
	},
	href: (to) => url({ ...here, ...to }),
};

// Go to another place, and put it into the URL.
function go(to, replace = false) {
	const next = { ...here, ...to }, at = url(next);

	if (at === url(here) && replace)
		return;
	scrolls.set(url(here), scrollY);
	if (replace) {
		history.replaceState(null, "", at);
	} else {
		/* What was typed gets an entry of its own. */
		if (committed !== url(here)) {
			history.replaceState(null, "", committed);
			history.pushState(null, "", url(here));
		}
		if (at !== url(here))
			history.pushState(null, "", at);
		committed = at;
	}
	arrive(next, 0);
}

function arrive(next, scroll) {
	const other_list = view && next.view === "services" &&
		here.view === "services";

	here = next;
	if (other_list) {
		view.changed();
	} else {
		show();
		restore = scroll;
	}
	draw_frame();
	const known = view.last?.();
	if (known)
		draw(known);
	poll.now();
}

// Make the view of this place.
function show() {
	const first = !view;

	view = new VIEWS[here.view](context);
	failure = "";
	main.replaceChildren(...here.view === "services" ? [verdict] : [],
		view.element);
	if (!first)
		main.querySelector("h1")?.focus({ preventScroll: true });
}

function draw_frame() {
	if (here.view === "services")
		list = { q: here.q, sort: here.sort, limit: here.limit };
	for (const a of links) {
		const to = a.dataset.view;

		attribute(a, "href", url({ ...here, ...list, view: to }));
		attribute(a, "aria-current", to === here.view ? "page" :
			to === "services" && here.view.startsWith("serv") ? true : null);
	}
	attribute(other, "href",
		url({ ...here, lang: lang === "zh" ? "en" : "zh" }));
	draw_title();
}

function set_paused(paused) {
	poll.paused = paused;
	poll.resume();
	text(pause, t(paused ? "resume" : "pause"));
	attribute(pause, "aria-pressed", paused);
	draw_clock();
}

// Ask and order now.
function renew() {
	view.drawn = "";
	poll.now();
}

/* -------------------------------------------------------------------- keys -- */

function back() {
	const active = /** @type {HTMLElement} */ (document.activeElement);

	if (active.closest("table"))
		active.blur();
	else if (here.view !== "services")
		go(here.view === "server" ? above(here, {}) :
			{ ...list, view: "services" });
	else if (here.q)
		go({ q: "" });
}

function pressed(key) {
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
		view.table.step(key === "ArrowDown" ? 1 : -1, opened.get(here.view));
	} else if (SORT_KEYS.includes(key) && here.view === "services") {
		go({ sort: SORTS[SORT_KEYS.indexOf(key)] });
	} else {
		return false;
	}
	return true;
}

document.addEventListener("keydown", (e) => {
	if (!e.ctrlKey && !e.metaKey && !e.altKey &&
	    !(e.target instanceof HTMLInputElement) && pressed(e.key))
		e.preventDefault();
});

// A row leads where its first link does.
document.addEventListener("click", (e) => {
	const target = /** @type {Element} */ (e.target);
	const row = target.closest("tr[data-key]");
	const link = /** @type {any} */ (target.closest("a[href]") ||
		(getSelection()?.isCollapsed && row?.querySelector("a.main[href]")));

	if (!link || link === other || e.ctrlKey || e.metaKey || e.shiftKey)
		return;
	if (row)
		opened.set(here.view, row.getAttribute("data-key"));
	e.preventDefault();
	go(place(link.pathname, link.search));
});

addEventListener("popstate", () => {
	scrolls.set(url(here), scrollY);
	const next = read();
	committed = url(next);
	arrive(next, scrolls.get(committed) || 0);
});

history.scrollRestoration = "manual";
setInterval(draw_clock, 1000);
show();
draw_frame();
poll.resume();
