-- SPDX-License-Identifier: MIT
--
-- The questions that people ask, each answered by one statement:
--
--	mysql --table DATABASE < queries.sql
--
-- All of them go by age, since the table keeps the rows of servers and hosts
-- that are gone (until `retention` of reporter.conf removes them).  "Now" is
-- the last 60 seconds: a record is fresh for 45 seconds, as in reporterctl top,
-- and may wait for flush_interval until it is stored.  If that is more than 15
-- seconds, replace 60 by 45 and the interval.
--
-- Each reads the whole table once.  Servers come from the view: view.sql, or
-- view-elb.sql where ELB agents report.  The mask makes an address right whether
-- the column is signed or unsigned.

-- What is overloaded now: servers that more than half of those who call them
-- report as overloaded.
SELECT
	modid,
	cmdid,
	ip                    AS server,
	port,
	COUNT(*)              AS callers,
	SUM(overload = 'yes') AS callers_overloaded
FROM ServerCallStatusView
WHERE age BETWEEN -86400 AND 60
GROUP BY modid, cmdid, ip, port
HAVING SUM(overload = 'yes') * 2 > COUNT(*)
ORDER BY callers_overloaded DESC, modid, cmdid, server, port;

-- Which callers see errors now, and with how many servers.
SELECT
	INET_NTOA(caller & 4294967295)                        AS host,
	SUM(err_cnt)                                          AS errors,
	ROUND(SUM(err_cnt) / (SUM(succ_cnt) + SUM(err_cnt)), 4) AS error_share,
	SUM(err_cnt > 0)                                      AS servers_failing,
	COUNT(*)                                              AS servers
FROM ServerCallStatus
WHERE ts BETWEEN UNIX_TIMESTAMP() - 60 AND UNIX_TIMESTAMP() + 86400
GROUP BY caller
HAVING SUM(err_cnt) > 0
ORDER BY error_share DESC, errors DESC, host;

-- The error share of each service now.
SELECT
	modid,
	cmdid,
	SUM(succ_cnt) + SUM(err_cnt)                          AS calls,
	SUM(err_cnt)                                          AS errors,
	ROUND(SUM(err_cnt) / (SUM(succ_cnt) + SUM(err_cnt)), 4) AS error_share
FROM ServerCallStatus
WHERE ts BETWEEN UNIX_TIMESTAMP() - 60 AND UNIX_TIMESTAMP() + 86400
GROUP BY modid, cmdid
ORDER BY error_share DESC, modid, cmdid;

-- Hosts that no longer report: they did within the last day, but not now.
SELECT
	INET_NTOA(caller & 4294967295)           AS host,
	FROM_UNIXTIME(MAX(ts))                   AS last_report,
	CAST(UNIX_TIMESTAMP() AS SIGNED) - CAST(MAX(ts) AS SIGNED)
	                                         AS silent_seconds,
	COUNT(*)                                 AS servers
FROM ServerCallStatus
GROUP BY caller
HAVING MAX(ts) > UNIX_TIMESTAMP() - 86400 AND MAX(ts) <= UNIX_TIMESTAMP() - 60
ORDER BY MAX(ts) DESC, host;
