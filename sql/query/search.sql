-- Search in messages.

-- name: search_query maybe
-- See the function: user, what is looked for, conversation (null: all). known: the user is in that. No row: nobody.
select u.locale, q.words::text as words, q.needed::text as needed,
	$3::uuid is null or exists (select from members m
		where m.conversation_id = $3::uuid and m.user_id = $1::uuid and m.left_at is null) as known
from users u
cross join lateral search_query($2::text, u.locale) q
where u.id = $1::uuid and u.deleted_at is null

-- name: search_messages many
-- Latest first: user, the user's locale, conversation (null: all), sender (null: anybody), words and needed of search_query,
-- ($7, $8, $9) time, conversation and seq of the last row of the page before (null: the first page), $10 rows.
-- marked: the text as it is parted into words, code point by code point, each that fits between U+0001 and U+0002; of a long one
-- the beginning, as this takes longer than all the rest.
select x.conversation_id, x.id, x.seq, x.rev, x.sender_id, x.type, x.body, x.ciphertext, x.metadata::text as metadata, x.reply_to,
	x.created_at, x.edited_at, x.deleted_at,
	case when has_extra(x) then message_extra(x, $1::uuid, me.floor_seq) end as extra,
	message_status(x.seq, x.sender_id, w.read_seq, w.delivered_seq, w.first_joined_seq,
		w.first_user_id, w.second_joined_seq) as status,
	ts_headline(search_config($2::text), search_plain(left(x.body, 8192)), $5::text::tsquery,
		E'StartSel=\x01, StopSel=\x02, HighlightAll=true') as marked
from search_find($1::uuid, $3::uuid, $4::uuid, $5::text::tsquery, $6::text::text[],
	case when $7::timestamptz is not null then row($7::timestamptz, $8::uuid, $9::bigint)::search_hit end, $10::bigint) f
join messages x on x.conversation_id = f.conversation_id and x.seq = f.seq
join members me on me.conversation_id = f.conversation_id and me.user_id = $1::uuid
cross join lateral conversation_watermarks(f.conversation_id) w
order by f.created_at desc, f.conversation_id desc, f.seq desc
limit $10::bigint

-- name: search_fill one
-- See the function: how many parts at most.
select search_fill($1::bigint) as filled
