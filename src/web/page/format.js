// SPDX-License-Identifier: MIT
// @ts-check
// Figures and times as text.  Pure: the language is an argument.

/** @param {number | null | undefined} n @param {string} [lang] */
export const count = (n, lang = "en") =>
	n == null ? "–" : Math.round(n).toLocaleString(lang);

/** Four characters or so: 0, 0.4, 12, 999, 6.7 k, 81 k, 1.2 M.
 * @param {number | null | undefined} n */
export function short(n) {
	if (n == null)
		return "–";
	for (const [unit, size] of /** @type {[string, number][]} */ (
		[["G", 1e9], ["M", 1e6], ["k", 1e3]]))
		if (n >= size * 0.9995)
			return digits(n / size) + " " + unit;
	return Number.isInteger(n) ? String(n) : digits(n);
}

/** @param {number} n */
const digits = (n) =>
	n >= 99.95 ? n.toFixed(0) : n.toFixed(1);

/** @param {number | null | undefined} share of 0 to 1 */
export function percent(share) {
	if (share == null)
		return "–";
	const n = share * 100;

	if (n > 0 && n < 0.1)
		return "<0.1";
	return n >= 99.95 ? "100" : n.toFixed(1);
}

/** The largest unit that makes the number 1 or more.
 * @param {number | null | undefined} seconds @param {(k: string) => string} t */
export function duration(seconds, t) {
	if (seconds == null)
		return "–";
	const s = Math.max(0, Math.floor(seconds));

	if (s < 60)
		return s + " " + t("s");
	if (s < 3600)
		return Math.floor(s / 60) + " " + t("min");
	if (s < 86400)
		return Math.floor(s / 3600) + " " + t("h") +
			(s % 3600 >= 60 ?
				" " + Math.floor(s % 3600 / 60) + " " + t("min") : "");
	return Math.floor(s / 86400) + " " + t("d");
}

const two = (/** @type {number} */ n) => String(n).padStart(2, "0");

/** Local time; with the date if it is over 20 hours from now.
 * @param {number | null | undefined} seconds since 1970
 * @param {number} now the same @param {boolean} [minutes] leave out seconds */
export function clock(seconds, now, minutes = false) {
	if (seconds == null)
		return "–";
	const d = new Date(seconds * 1000);
	const far = Math.abs(now - seconds) > 72000;

	return (far ? two(d.getMonth() + 1) + "-" + two(d.getDate()) + " " : "") +
		two(d.getHours()) + ":" + two(d.getMinutes()) +
		(minutes ? "" : ":" + two(d.getSeconds()));
}

/** Points of a line in a box of 120 x height; a gap starts another line.
 * @param {number[]} values shares x 1000, -1: none; oldest first
 * @param {number} height @param {number} max the value at the top
 * @param {number} room how many values fill the width */
export function lines(values, height, max, room) {
	/** @type {string[]} */
	const parts = [];
	let open = false;
	const first = room - values.length;

	values.forEach((v, i) => {
		if (v < 0) {
			open = false;
			return;
		}
		const x = (first + i + 0.5) * 120 / room;
		const y = height - 1 - Math.min(v / max, 1) * (height - 2);

		parts.push((open ? "L" : "M") + x.toFixed(1) + " " + y.toFixed(1));
		if (!open && !(values[i + 1] >= 0))
			parts.push("h.1");
		open = true;
	});
	return parts.join("");
}

/** Rectangles where a count is over 0, as one path.
 * @param {number[]} values @param {number} height @param {number} room */
export function bands(values, height, room) {
	const first = room - values.length, w = 120 / room;
	let path = "";

	for (let i = 0; i < values.length; i++) {
		let n = 0;

		while (values[i + n] > 0)
			n++;
		if (n > 0)
			path += "M" + ((first + i) * w).toFixed(1) + " 0h" +
				(n * w).toFixed(1) + "v" + height + "h-" +
				(n * w).toFixed(1) + "z";
		i += n;
	}
	return path;
}

/** When a server was overloaded, of the last seconds, as bands() writes it.
 * @param {{time: number, overloaded: boolean}[]} flips of it, oldest first
 * @param {number | null} since overloaded since; null: it is not
 * @param {number} now @param {number} seconds @param {number} height */
export function spans(flips, since, now, seconds, height) {
	/** @type {[number, number][]} */
	const found = [];
	const first = now - seconds;
	let from = since != null && flips.length === 0 ? since : NaN;

	for (const flip of flips) {
		if (flip.overloaded)
			from = flip.time;
		else
			found.push([Number.isNaN(from) ? first : from, flip.time]);
		if (!flip.overloaded)
			from = NaN;
	}
	if (since != null)
		found.push([Number.isNaN(from) ? since : from, now]);
	return found.filter(([, end]) => end > first).map(([begin, end]) => {
		const x = Math.max(0, begin - first) * 120 / seconds;
		const w = Math.max(1, (end - first) * 120 / seconds - x);

		return `M${x.toFixed(1)} 0h${w.toFixed(1)}v${height}h-` +
			w.toFixed(1) + "z";
	}).join("");
}
