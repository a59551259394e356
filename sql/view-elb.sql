-- SPDX-License-Identifier: MIT
--
-- ServerCallStatusView where ELB agents report: use this file in place of
-- view.sql, and all else stays as it says there.
--
--	mysql DATABASE < view-elb.sql
--
-- ELB agents send the address of a server with its bytes reversed, and reporter
-- stores it so, for ELB's own tools; caller is not reversed.  The table does not
-- say which agent wrote a row: where agents of other kinds report as well, their
-- servers are reversed by this view, and those of ELB by the other one.

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
