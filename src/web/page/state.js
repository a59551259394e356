// SPDX-License-Identifier: MIT
// @ts-check
// What the page knows without a document: the URL, the order of rows, waiting.

export const LIMITS = [50, 100, 200, 500, 1000];
// Those of reporterctl top, with its keys.
export const SORTS = ["trouble", "errors", "reports", "servers", "overloaded",
	"since", "age", "number", "records", "keys", "succ", "callers"];
export const SORT_KEYS = "tervowancksl";
const ROUTE = /(?<=\/)(?:s\/(-?\d+)\/(-?\d+)(?:\/([^/]+))?|(agents|instance|help))$/;

// The place that a URL names: {base, view, modid, cmdid, server, q, sort, limit,
// lang}; base is the path before all of ours.
export function place(path, search) {
	const found = ROUTE.exec(path);
	const query = new URLSearchParams(search);
	const sort = query.get("sort") || "", limit = Number(query.get("limit"));

	return {
		base: found ? path.slice(0, found.index) :
			path.slice(0, path.lastIndexOf("/") + 1),
		view: !found ? "services" : found[4] ||
			(found[3] ? "server" : "service"),
		...found?.[1] && { modid: Number(found[1]), cmdid: Number(found[2]),
			server: found[3] && decodeURIComponent(found[3]) },
		q: query.get("q") || "",
		sort: SORTS.includes(sort) ? sort : SORTS[0],
		limit: LIMITS.includes(limit) ? limit : LIMITS[0],
		lang: query.get("lang") || "",
	};
}

// The URL of a place; defaults are left out.
export function url(p) {
	const query = new URLSearchParams();
	let path = p.view === "services" ? "" : p.view;

	if (p.view === "service" || p.view === "server")
		path = `s/${p.modid}/${p.cmdid}` +
			(p.view === "server" ? "/" + p.server : "");
	if (p.view === "services" && p.q)
		query.set("q", p.q);
	if (p.view === "services" && p.sort !== SORTS[0])
		query.set("sort", p.sort);
	if (p.view === "services" && p.limit !== LIMITS[0])
		query.set("limit", p.limit);
	if (p.lang)
		query.set("lang", p.lang);
	const text = query.toString().replace(/%2F/g, "/").replace(/%3A/g, ":")
		.replace(/%2C/g, ",");
	return p.base + path + (text && "?" + text);
}

// The place above; the list is as it was.
export const above = (p, list) =>
	({ ...p, ...list, view: p.view === "server" ? "service" : "services" });

// The order to show: rows keep their places unless they are ordered anew.
export function order(shown, wanted, anew) {
	if (anew || shown.length === 0)
		return { order: wanted, moved: 0 };
	const at = new Map(wanted.map((key, i) => [key, i]));

	return { order: shown, moved: Math.max(wanted.length - shown.length,
		shown.filter((key, i) => at.get(key) !== i).length) };
}

// Milliseconds to wait: 2 s after an answer; after failures 2 to 30 s, spread so
// that pages do not come back together.  random: 0 to 1.
export function wait(failures, random) {
	const most = Math.min(30000, 2000 * 2 ** failures);

	return 2000 + Math.round((most - 2000) * (0.5 + random / 2));
}
