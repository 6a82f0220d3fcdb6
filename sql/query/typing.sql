-- Who is told that somebody types.

-- name: typing_recipients many
-- The other present members of a conversation, for one who is in it: $1 conversation, $2 user. At most 4096, the highest
-- setting of group_max_members. No row: not a member. One row without id: a member, and alone, or one of the two has blocked
-- the other.
select o.user_id
from members me
join conversations c on c.id = me.conversation_id
left join members o on o.conversation_id = me.conversation_id and o.left_at is null and o.user_id <> me.user_id
	and not c.blocked
where me.conversation_id = $1::uuid and me.user_id = $2::uuid and me.left_at is null
order by o.user_id
limit 4096
