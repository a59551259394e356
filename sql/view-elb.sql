-- SPDX-License-Identifier: MIT
--
-- ServerCallStatusView where ELB agents report: use this file in place of
-- view.sql, whose comments apply here as well.
--
--	mysql DATABASE < view-elb.sql
--
-- ELB agents send the address of a server with its bytes reversed, and reporter
-- stores it so, for ELB's own tools; caller is not reversed.  The table has no
-- column for the kind of agent: where others report as well, this view shows their
-- servers reversed, and the view of view.sql those of ELB agents.

CREATE OR REPLACE SQL SECURITY INVOKER VIEW ServerCallStatusView AS
SELECT
	modid,
	cmdid,
	INET_NTOA((ip & 255) << 24 | (ip & 65280) << 8 |
		(ip >> 8 & 65280) | (ip >> 24 & 255)) AS ip,
	port,
	INET_NTOA(caller & 4294967295) AS caller,
	succ_cnt,
	err_cnt,
	FROM_UNIXTIME(ts)              AS reported,
	CASE overload WHEN '1' THEN 'yes' ELSE 'no' END AS overload,
	CAST(UNIX_TIMESTAMP() AS SIGNED) - CAST(ts AS SIGNED) AS age,
	ROUND(err_cnt / (succ_cnt + 0.0 + err_cnt), 4) AS error_share
FROM ServerCallStatus;
