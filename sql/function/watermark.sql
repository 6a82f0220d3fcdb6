-- How far a conversation's members are, and what follows from it for the status of its messages.

-- One row: the least of what the present members have read and had delivered, and who has been in it longest. A member who joined later starts with its watermarks at joined_seq, and a sender's own are
-- above what it sent, so the least over all members is the least over a message's recipients.
drop function if exists conversation_watermarks;
create function conversation_watermarks(in_conversation uuid,
	out read_seq bigint, out delivered_seq bigint,
	out first_joined_seq bigint, out first_user_id uuid, out second_joined_seq bigint)
returns setof record language sql stable rows 1 as $$
	select min(o.last_read_seq), min(o.last_delivered_seq), min(o.joined_seq),
		(array_agg(o.user_id order by o.joined_seq, o.user_id))[1],
		(array_agg(o.joined_seq order by o.joined_seq))[2]
	from members o
	where o.conversation_id = in_conversation and o.left_at is null
$$;

-- The status of one message: 0 sent, 1 delivered, 2 read. A message that none of the present members received
-- (its sender aside, all joined later or left) stays sent.
create or replace function message_status(seq bigint, sender_id uuid, read_seq bigint,
	delivered_seq bigint, first_joined_seq bigint, first_user_id uuid, second_joined_seq bigint)
returns integer language sql immutable as $$
	select case
		when not coalesce(second_joined_seq < seq, false)
			and not (first_joined_seq < seq and first_user_id is distinct from sender_id) then 0
		when seq <= read_seq then 2
		when seq <= delivered_seq then 1
		else 0
	end
$$;
