// SPDX-License-Identifier: MIT
// @ts-check
// What the page knows without a document: the URL, the order of rows, waiting.

export const LIMITS = [50, 100, 200, 500, 1000];
export const SORTS = ["trouble", "overloaded", "errors", "servers", "since",
	"reports", "succ", "callers", "age", "number", "records", "keys"];

const ROUTE =
	/(?:s\/(-?\d+)\/(-?\d+)(?:\/([^/]+))?|(agents|instance|help))\/?$/;

/**
 * @typedef {{base: string, view: string, modid?: number, cmdid?: number,
 *   server?: string, q: string, sort: string, limit: number, lang: string}} Place
 */

/** @param {string} path @param {string} search @returns {Place} */
export function place(path, search) {
	const found = ROUTE.exec(path);
	const arguments_ = new URLSearchParams(search);
	const sort = arguments_.get("sort") || "";
	const limit = Number(arguments_.get("limit"));
	const p = {
		base: found ? path.slice(0, found.index) :
			path.slice(0, path.lastIndexOf("/") + 1),
		view: found ? found[4] || (found[3] ? "server" : "service") :
			"services",
		q: arguments_.get("q") || "",
		sort: SORTS.includes(sort) ? sort : "trouble",
		limit: LIMITS.includes(limit) ? limit : LIMITS[0],
		lang: arguments_.get("lang") || "",
	};

	return found && found[1] ? Object.assign(p, { modid: Number(found[1]),
		cmdid: Number(found[2]), server: found[3] &&
			decodeURIComponent(found[3]) }) : p;
}

/** The URL of a place; what is the default is left out.  @param {Place} p */
export function url(p) {
	const a = new URLSearchParams();
	const deep = p.view === "service" || p.view === "server";
	const path = deep ? `s/${p.modid}/${p.cmdid}` +
		(p.view === "server" ? "/" + p.server : "") :
		p.view === "services" ? "" : p.view;

	if (p.view === "services") {
		if (p.q)
			a.set("q", p.q);
		if (p.sort !== "trouble")
			a.set("sort", p.sort);
		if (p.limit !== LIMITS[0])
			a.set("limit", String(p.limit));
	}
	if (p.lang)
		a.set("lang", p.lang);
	const query = a.toString().replace(/%2F/g, "/").replace(/%3A/g, ":")
		.replace(/%2C/g, ",");
	return p.base + path + (query ? "?" + query : "");
}

/** The place above; the list has what it had.
 * @param {Place} p @param {Partial<Place>} list */
export const above = (p, list) => Object.assign({}, p, list,
	{ view: p.view === "server" ? "service" : "services" });

/** The order to show.  Rows stand still while they are held (the pointer or the
 * focus is among them) and for 10 s: then new ones wait.
 * @template T @param {T[]} shown @param {T[]} wanted
 * @param {boolean} anew order now @returns {{order: T[], moved: number}} */
export function order(shown, wanted, anew) {
	if (anew || shown.length === 0)
		return { order: wanted, moved: 0 };
	const at = new Map(wanted.map((key, i) => [key, i]));
	const moved = shown.filter((key, i) => at.get(key) !== i).length;

	return { order: shown,
		moved: Math.max(moved, wanted.length - shown.length) };
}

/** Milliseconds to wait: 2 s after an answer; after failures 2 to 30 s, so
 * spread that pages do not come back together.
 * @param {number} failures @param {number} random 0 to 1 */
export function wait(failures, random) {
	if (failures === 0)
		return 2000;
	const most = Math.min(30000, 2000 * 2 ** failures);

	return 2000 + Math.round((most - 2000) * (0.5 + random / 2));
}
