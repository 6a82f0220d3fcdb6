-- pgoutput demands a publication; events travel as logical messages, so it has no tables. It is here, before
-- any slot is made, because a slot sees the catalogue as it was at each position.

create publication parley;
