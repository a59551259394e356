-- SPDX-License-Identifier: MIT
--
-- ServerCallStatusView: the table for people, with dotted addresses and a
-- readable time (in the session's time zone).
--
--	mysql DATABASE < view.sql
--	SELECT * FROM ServerCallStatusView WHERE overload = 'yes';
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
	CASE overload WHEN '1' THEN 'yes' ELSE 'no' END AS overload
FROM ServerCallStatus;
