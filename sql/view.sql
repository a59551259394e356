-- SPDX-License-Identifier: MIT
--
-- ServerCallStatusView: the table for people, with dotted addresses, a readable
-- time (in the session's time zone), the age in seconds, and the share of calls
-- that failed (NULL: there were no calls).
--
--	mysql DATABASE < view.sql
--	SELECT * FROM ServerCallStatusView WHERE overload = 'yes' AND ABS(age) < 60;
--
-- Always restrict the age, or the last flags of hosts that are gone are shown as
-- overloads until their rows are removed; queries.sql says why 60, and has more
-- questions.  Where ELB agents report, use view-elb.sql in place of this file.
--
-- The mask makes the address right whether the column is signed or unsigned.
-- Rows are found by key through modid and cmdid, which are the table's own.

CREATE OR REPLACE SQL SECURITY INVOKER VIEW ServerCallStatusView AS
SELECT
	modid,
	cmdid,
	INET_NTOA(ip & 4294967295)     AS ip,
	port,
	INET_NTOA(caller & 4294967295) AS caller,
	succ_cnt,
	err_cnt,
	FROM_UNIXTIME(ts)              AS reported,
	CASE overload WHEN '1' THEN 'yes' ELSE 'no' END AS overload,
	CAST(UNIX_TIMESTAMP() AS SIGNED) - CAST(ts AS SIGNED) AS age,
	ROUND(err_cnt / (succ_cnt + 0.0 + err_cnt), 4) AS error_share
FROM ServerCallStatus;
