// SPDX-License-Identifier: MIT
// Figures, times and words of the page; run by t/page.py.
import assert from "node:assert/strict";
import fs from "node:fs";
import test from "node:test";

const format = await import(process.env.PAGE + "/format.js");
const { WORDS, language, translator } =
	await import(process.env.PAGE + "/words.js");

test("figures are short and never misleading", () => {
	for (const [n, text] of [[0, "0"], [0.04, "0.0"], [0.4, "0.4"], [12, "12"],
		[12.34, "12.3"], [999, "999"], [999.96, "1.0 k"], [1000, "1.0 k"],
		[6700, "6.7 k"], [81000, "81.0 k"], [999949, "1000 k"],
		[1e6, "1.0 M"], [4294967295, "4.3 G"], [null, "–"],
		[undefined, "–"]])
		assert.ok(format.short(n).length <= 6 &&
			(n === 999949 || n === 0.04 || format.short(n) === text),
			`${n}: ${format.short(n)}`);
});

test("a share of errors is 0 only if there are none", () => {
	for (const [share, text] of [[0, "0.0"], [1, "100"], [0.05, "5.0"],
		[0.00001, "<0.1"], [0.12345, "12.3"], [null, "–"]])
		assert.equal(format.percent(share), text);
	assert.notEqual(format.percent(0.9999), "100.0");
});

test("durations have a unit that fits", () => {
	const t = translator("en");

	for (const [s, text, exact] of [[0, "0 s", "0 s"], [-5, "0 s", "0 s"],
		[59.9, "59 s", "59 s"], [60, "1 min", "1 min"],
		[119, "2 min", "1 min 59 s"], [599, "10 min", "9 min 59 s"],
		[630, "11 min", "11 min"], [3600, "1 h", "1 h"],
		[3660, "1 h", "1 h 1 min"], [86400, "1 d", "1 d"],
		[900000, "10 d", "10 d"], [null, "–", "–"]]) {
		assert.equal(format.duration(s, t), text);
		assert.equal(format.duration(s, t, true), exact);
	}
});

test("an overload of which only the end is known begins with what is known",
	() => {
		const end = [{ time: 990, overloaded: false }];
		const begins = (/** @type {number} */ begin) =>
			format.spans(end, begin, null, 1000, 600, 20).split(" ")[0];

		assert.equal(begins(400), "M0.0");
		assert.equal(begins(985), "M117.0");
		assert.equal(begins(0), "M0.0");
	});

test("a line has a gap where there is nothing", () => {
	const paths = format.lines([0, 500, -1, 1000, -1], 20, 1000, 120);

	assert.equal(paths.match(/M/g).length, 2);
	assert.doesNotMatch(paths, /NaN|undefined|Infinity/);
	assert.equal(format.lines([-1, -1], 20, 1000, 120), "");
	assert.doesNotMatch(format.lines([0, 0], 20, 1000, 120), /NaN/);
	assert.equal(format.bands([0, 0, -1], 20, 120), "");
	assert.equal(format.bands([1, 1, 0, 2], 20, 120).match(/M/g).length, 2);
});

test("the languages have equal keys, and equal values in them", () => {
	const languages = Object.keys(WORDS);

	assert.deepEqual(languages.sort(), ["en", "zh"]);
	assert.deepEqual(Object.keys(WORDS.en).sort(), Object.keys(WORDS.zh).sort());
	const values = (/** @type {string} */ text) =>
		[...new Set(text.match(/\{\w\}/g))].sort();

	for (const key of Object.keys(WORDS.en)) {
		assert.deepEqual(values(WORDS.zh[key]), values(WORDS.en[key]), key);
		assert.ok(WORDS.zh[key].trim() && WORDS.en[key].trim(), key);
		for (const form of WORDS.en[key].split("|"))
			assert.deepEqual(values(form), values(WORDS.en[key]), key);
	}
});

test("each word that the page asks for is there, and none is left over", () => {
	const source = fs.readdirSync(process.env.PAGE)
		.filter((name) => name.endsWith(".js") && name !== "words.js")
		.map((name) => fs.readFileSync(`${process.env.PAGE}/${name}`, "utf8"))
		.join("\n");

	for (const [, key] of source.matchAll(/\bt\("(\w+)"/g))
		assert.ok(key in WORDS.en, `t("${key}")`);
	// Some keys are put together: "c_" + column.
	const prefixes = [...source.matchAll(/"(\w+_)"\s*\+|`(\w+_)\$\{/g)]
		.map((found) => found[1] || found[2]);

	for (const key of Object.keys(WORDS.en))
		assert.ok(new RegExp(`\\b${key}\\b`).test(source) ||
			prefixes.some((prefix) => key.startsWith(prefix)), key);
});

test("one is singular", () => {
	const t = translator("en");
	const [key] = Object.entries(WORDS.en).find(([, text]) =>
		text.includes("|") && text.includes("{n}"));

	assert.notEqual(t(key, { n: 1 }), t(key, { n: 2 }).replace("2", "1"));
	assert.match(t(key, { n: 0 }), /0/);
});

test("the language is asked for, then the browser's, then English", () => {
	assert.equal(language("zh", ["en-US"]), "zh");
	assert.equal(language("", ["fr", "zh-Hans-CN", "en"]), "zh");
	assert.equal(language("", ["en-GB", "zh"]), "en");
	assert.equal(language("xx", ["fr"]), "en");
	assert.equal(language("__proto__", []), "en");
	assert.equal(language("constructor", ["toString"]), "en");
});
