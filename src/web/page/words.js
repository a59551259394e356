// SPDX-License-Identifier: MIT
// @ts-check
// All texts of the page.  {n} is replaced; "one|many" depends on {n}.

export const WORDS = {
	en: {
		services: "Services", agents: "Agents", instance: "Instance",
		help: "Help", pause: "Pause", resume: "Resume", paused: "paused",
		language: "中文", comma: ", ", semicolon: "; ",
		s: "s", min: "min", h: "h", d: "d",

		overloaded: "overloaded", errors: "errors", silent: "silent",
		late: "late", fine: "fine",

		v_overloaded: "{n} service overloaded|{n} services overloaded",
		v_servers: " ({n} server)| ({n} servers)",
		v_new: "{n} new in 5 min", v_none: "No service overloaded",
		v_errors: "{n} with errors", v_silent: "{n} silent",
		v_late: "{n} late", v_fine: "{n} fine",
		v_callers: "{n} caller silent|{n} callers silent",
		v_empty: "No reports yet",

		as_of: "as of {t}", ago: "{d} ago", reports: "{n} reports/s",
		behind: "database {d} behind", apart: "database not connected",

		filter: "Filter", example: "e.g. ", update: "Update", more: "Show more",
		shown: "{m} of {n}", none: "No service matches.",
		moved: "{n} row moved: sort now|{n} rows moved: sort now",

		c_state: "State", c_service: "Service", c_overloaded: "Overloaded",
		c_since: "Since", c_errors: "Error %", c_reports: "Reports/s",
		c_succ: "OK", c_err: "Failed", c_callers: "Callers",
		c_history: "Last 10 min", c_age: "Last report", c_server: "Server",
		c_by: "By callers", c_caller: "Caller", c_seen: "Reported",
		c_count: "Reports",
		t_overloaded: "servers overloaded / servers; stale: in old reports only",
		t_errors: "in the newest reports; grey: under 20 calls",
		t_by: "callers that report overload / callers; stale: in old reports only",
		t_history: "line: error %; band: overloaded",

		stale: "+{n} stale", over: "> {d}",
		of_callers: "overloaded for {m} of {n} caller|overloaded for {m} of {n} callers",
		of_all: "overloaded for its {n} caller|overloaded for all {n} callers",
		of_none: "not overloaded for its {n} caller|not overloaded for any of {n} callers",
		by_server: "check the server", by_caller: "check that caller first",
		since: "since {t} ({d})", since_over: "since before {t} (over {d})",
		others: "and {n} more server|and {n} more servers",
		sum_over: "{m} of {n} server overloaded|{m} of {n} servers overloaded",
		sum_errors: "{p} % of calls fail", sum_old: "no report for {d}",

		b_answer: "reporter-web does not answer; next try in {d}.",
		b_stopped: "reporter is stopped.",
		b_unresponsive: "reporter is not responding.",
		b_other_layout: "reporter has another layout of shared memory: restart reporter-web.",
		b_unreadable: "reporter-web cannot read reporter's shared memory: see option group.",
		b_last: "Below: as of {t}.",
		b_behind: "The database is {d} behind: this page is current, the table is not.",
		b_apart: "The database is not connected: this page is current, the table is not.",
		b_silent: "{n} agent connected, but no report for {d}.|{n} agents connected, but no report for {d}.",
		b_truncated: "Too many services; some are missing.",
		b_empty: "To try it:",
		b_gone: "No caller reports this any more.",

		a_dialect: "Protocol", a_connected: "Connected", a_records: "Records",
		a_clock: "Clock offset", a_throttled: "Throttled",

		i_workers: "Workers", i_rates: "Per second",
		i_sum: "sum", i_up: "running for {d}", i_down: "not running",
		i_keys: "Keys / room", i_flush: "Last flush", i_database: "Database",
		i_error: "Last error",
		r_received: "received", r_replayed: "replayed",
		r_rejected: "rejected", r_dropped: "dropped",
		r_queued: "queued", r_pending: "pending",
		r_superseded: "superseded", r_stored: "stored",
		r_dead_letter: "dead letter",

		h_keys: "Keys", h_words: "Terms", k_rows: "select a row",
		k_open: "open it", k_back: "leave; one level up",
		k_trouble: "sort by trouble",
		w_service: "modid/cmdid; name: reporter-web -n",
		w_server: "address and port",
		w_caller: "host that calls and reports",
		w_overloaded: "in a fresh report",
		w_errors: "5 % or more of at least 20 calls fail",
		w_late: "newest report over {f} s old",
		w_silent: "newest report over {s} s old",
		w_trouble: "share of servers overloaded, errors by volume, silent, reports/s",
		w_filter: "all must match: 7 7/1 10.0.0.5 10.0.0.0/16 state:overloaded,silent err>5 age>60 or part of a name",
	},
	zh: {
		services: "服务", agents: "代理", instance: "实例",
		help: "帮助", pause: "暂停", resume: "继续", paused: "已暂停",
		language: "English", comma: "，", semicolon: "；",
		s: "秒", min: "分钟", h: "小时", d: "天",

		overloaded: "过载", errors: "错误", silent: "无上报",
		late: "延迟", fine: "正常",

		v_overloaded: "{n} 个服务过载",
		v_servers: "（{n} 台服务器）",
		v_new: "5 分钟内新增 {n} 个", v_none: "没有服务过载",
		v_errors: "{n} 个有错误", v_silent: "{n} 个无上报",
		v_late: "{n} 个延迟", v_fine: "{n} 个正常",
		v_callers: "{n} 个调用方无上报",
		v_empty: "尚无上报",

		as_of: "截至 {t}", ago: "{d}前", reports: "每秒上报 {n}",
		behind: "数据库落后 {d}", apart: "数据库未连接",

		filter: "筛选", example: "例如 ", update: "更新", more: "显示更多",
		shown: "{m} / {n}", none: "没有匹配的服务。",
		moved: "{n} 行位置已变：立即排序",

		c_state: "状态", c_service: "服务", c_overloaded: "过载",
		c_since: "开始于", c_errors: "错误率", c_reports: "上报/秒",
		c_succ: "成功", c_err: "失败", c_callers: "调用方",
		c_history: "最近 10 分钟", c_age: "最近上报", c_server: "服务器",
		c_by: "报告方", c_caller: "调用方", c_seen: "上报时间",
		c_count: "上报次数",
		t_overloaded: "过载服务器 / 服务器；过期：仅旧上报称其过载",
		t_errors: "最新上报；灰色：少于 20 次调用",
		t_by: "报告过载的调用方 / 调用方；过期：仅旧上报称其过载",
		t_history: "折线：错误率；色带：过载",

		stale: "+{n} 过期", over: "> {d}",
		of_callers: "{n} 个调用方中有 {m} 个报告过载",
		of_all: "全部 {n} 个调用方报告过载",
		of_none: "{n} 个调用方均未报告过载",
		by_server: "请检查服务器", by_caller: "请先检查该调用方",
		since: "自 {t} 起（{d}）", since_over: "早于 {t}（超过 {d}）",
		others: "另有 {n} 台服务器",
		sum_over: "{n} 台服务器中 {m} 台过载",
		sum_errors: "{p} % 的调用失败", sum_old: "{d}没有上报",

		b_answer: "reporter-web 没有响应；{d}后重试。",
		b_stopped: "reporter 已停止。",
		b_unresponsive: "reporter 没有响应。",
		b_other_layout: "reporter 的共享内存格式不同：请重启 reporter-web。",
		b_unreadable: "reporter-web 无法读取 reporter 的共享内存：见选项 group。",
		b_last: "以下内容截至 {t}。",
		b_behind: "数据库落后 {d}：本页是最新的，数据表不是。",
		b_apart: "数据库未连接：本页是最新的，数据表不是。",
		b_silent: "{n} 个代理已连接，但 {d}没有上报。",
		b_truncated: "服务过多，缺少一部分。",
		b_empty: "可以试一试：",
		b_gone: "已没有调用方上报。",

		a_dialect: "协议", a_connected: "连接时间", a_records: "记录",
		a_clock: "时钟偏差", a_throttled: "限流",

		i_workers: "工作进程", i_rates: "每秒",
		i_sum: "合计", i_up: "已运行 {d}", i_down: "未运行",
		i_keys: "键 / 容量", i_flush: "最近写入", i_database: "数据库",
		i_error: "最近错误",
		r_received: "已接收", r_replayed: "重放",
		r_rejected: "已拒绝", r_dropped: "已丢弃",
		r_queued: "排队中", r_pending: "待写入",
		r_superseded: "被取代", r_stored: "已存储",
		r_dead_letter: "死信",

		h_keys: "按键", h_words: "术语", k_rows: "选择行",
		k_open: "打开该行", k_back: "离开；返回上一级",
		k_trouble: "按问题排序",
		w_service: "modid/cmdid；名称：reporter-web -n",
		w_server: "被调用的地址和端口",
		w_caller: "发起调用并上报的主机",
		w_overloaded: "有新上报称其过载",
		w_errors: "至少 20 次调用中有 5 % 以上失败",
		w_late: "最新上报已过 {f} 秒",
		w_silent: "最新上报已过 {s} 秒",
		w_trouble: "过载服务器比例、错误数量、无上报、上报/秒",
		w_filter: "须全部匹配：7 7/1 10.0.0.5 10.0.0.0/16 state:overloaded,silent err>5 age>60 或名称的一部分",
	},
};

// The language: asked for in the URL, else the browser's first that we have.
export const language = (asked, browser) =>
	[asked, ...browser].map((tag) => tag.slice(0, 2).toLowerCase())
		.find((tag) => Object.hasOwn(WORDS, tag)) || "en";

export const translator = (lang) => (key, values = {}) => {
	const forms = WORDS[lang][key].split("|");

	return (String(values.n) === "1" ? forms[0] : forms.at(-1))
		.replace(/\{(\w)\}/g, (all, name) => String(values[name] ?? all));
};
