// SPDX-License-Identifier: MIT
// The URL, the order of rows and the pauses of the page; run by t/page.py.
import assert from "node:assert/strict";
import test from "node:test";

const state = await import(process.env.PAGE + "/state.js");

const at = (path, search = "") => state.place(path, search);

test("each path is the place that it names", () => {
	for (const base of ["/", "/ops/reporter/", "/s/", "/s/7/", "/agents/"]) {
		assert.deepEqual(at(base).view, "services", base);
		assert.equal(at(base).base, base);
		for (const view of ["agents", "instance", "help"]) {
			assert.equal(at(base + view).view, view);
			assert.equal(at(base + view).base, base);
		}
		const service = at(base + "s/7/-1");

		assert.equal(service.view, "service");
		assert.deepEqual([service.modid, service.cmdid], [7, -1]);
		assert.equal(service.base, base);
		const server = at(base + "s/7/1/10.0.0.5:8081");

		assert.equal(server.view, "server");
		assert.equal(server.server, "10.0.0.5:8081");
		assert.equal(server.base, base);
	}
});

test("a place's URL is that place again", () => {
	const places = [
		["/", ""], ["/", "?q=state%3Aoverloaded+err%3E5"],
		["/x/", "?sort=errors&limit=200&lang=zh"], ["/s/7/1", ""],
		["/x/s/7/1/10.0.0.5:80", "?lang=zh"], ["/agents", ""],
		["/", "?q=" + encodeURIComponent("a&b=c#d%20 登录/+")],
	];
	for (const [path, search] of places) {
		const first = at(path, search);
		const [again, query = ""] = state.url(first).split(/(?=\?)/);

		assert.deepEqual(at(again, query), first, path + search);
	}
});

test("what is the default is not in the URL", () => {
	assert.equal(state.url(at("/x/", "?sort=trouble&limit=50&q=")), "/x/");
	assert.equal(state.url(at("/", "?sort=bad&limit=7&unknown=1")), "/");
});

test("the place above a server is its service, then the list", () => {
	const list = { q: "login", sort: "errors", limit: 100 };
	const service = state.above(at("/p/s/7/1/10.0.0.5:80"), list);

	assert.equal(new URL(state.url(service), "http://h/").pathname,
		"/p/s/7/1");
	const top = state.above(service, list);

	assert.equal(top.view, "services");
	assert.match(state.url(top), /^\/p\/\?.*q=login/);
});

test("rows stand still until they are ordered anew", () => {
	const shown = ["a", "b", "c"];
	const still = state.order(shown, ["c", "a", "b"], false);

	assert.deepEqual(still.order, shown);
	assert.equal(still.moved, 3);
	assert.deepEqual(state.order(shown, ["c", "a", "b"], true),
		{ order: ["c", "a", "b"], moved: 0 });
	assert.deepEqual(state.order([], ["c"], false).order, ["c"]);
	assert.equal(state.order(shown, shown, false).moved, 0);
	assert.equal(state.order(shown, [...shown, "d"], false).moved, 1);
});

test("it asks 2 s after an answer, and backs off to 30 s", () => {
	assert.equal(state.wait(0, 0.5), 2000);
	let before = 0;

	for (let failures = 1; failures < 100; failures++) {
		const least = state.wait(failures, 0), most = state.wait(failures, 1);

		assert.ok(least >= 2000 && most <= 30000 && least <= most);
		assert.ok(most >= before, `after ${failures} failures`);
		before = most;
	}
	assert.equal(before, 30000);
	assert.ok(state.wait(9, 0) < state.wait(9, 1), "spread");
});
