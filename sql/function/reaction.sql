-- Reactions to messages. reactions says who, messages.reactions sums it up; both are changed under the lock on the
-- conversation (message_lock).

-- What somebody has reacted with to a message: "👍 🎉", the same for all who have reacted alike. Null: with nothing.
drop function if exists reaction_own;
create function reaction_own(in_conversation uuid, in_seq bigint, in_user uuid) returns text language plpgsql stable as $$
begin
	-- not in SQL, of which each call would be planned anew: a page of history asks for each of its messages
	return (select string_agg(r.emoji, ' ' order by r.emoji collate "C") from reactions r
		where r.conversation_id = in_conversation and r.seq = in_seq and r.user_id = in_user);
end
$$;

-- The summary "👍 2 🎉 1" with one more or less (in_more) of an emoji: a new one goes to the end, one that nobody has any more
-- goes. Null: nobody has reacted. Not counted anew: then an emoji would lose its place when who came first takes it back.
drop function if exists reaction_sum;
create function reaction_sum(in_summary text, in_emoji text, in_more integer) returns text
language plpgsql immutable as $$
declare
	words text[] := string_to_array(in_summary, ' ');
	place integer := array_position(words, in_emoji);
	counted integer;
begin
	if place is null then
		return concat_ws(' ', in_summary, in_emoji, in_more);
	end if;
	counted := words[place + 1]::integer + in_more;
	if counted = 0 then
		words := words[:place - 1] || words[place + 2:];
	else
		words[place + 1] := counted;
	end if;
	return nullif(array_to_string(words, ' '), '');
end
$$;

-- One more or less of an emoji: the message, its rev, and the event.
drop function if exists reaction_change;
create function reaction_change(in_message messages, in_emoji text, in_more integer, in_event uuid) returns void
language plpgsql as $$
declare
	changed messages;
begin
	update messages x
	set reactions = reaction_sum(x.reactions, in_emoji, in_more), rev = conversation_rise(x.conversation_id),
		touched = true, changed_xid = pg_current_xact_id()
	where x.conversation_id = in_message.conversation_id and x.seq = in_message.seq
	returning x.* into changed;
	perform message_tell(changed, 'message.updated', in_event);
end
$$;

-- in_user reacts to a message with in_emoji, in its one spelling (lib/emoji.h). outcome: ok (also when it had: then nobody is
-- told), not_found (no such message for it), deleted, blocked (one of the two has blocked the other), own_full (it has reacted with
-- in_own_max others), full (everybody together with in_max others).
drop function if exists reaction_put;
create function reaction_put(in_conversation uuid, in_user uuid, in_message uuid, in_emoji text,
	in_own_max bigint, in_max bigint, in_event uuid, out outcome text)
language plpgsql as $$
declare
	message messages := message_lock(in_conversation, in_user, in_message);
	words text[] := string_to_array(message.reactions, ' ');
	own text[];
begin
	if message.id is null then
		outcome := 'not_found';
		return;
	end if;
	own := string_to_array(reaction_own(in_conversation, message.seq, in_user), ' ');
	if message.deleted_at is not null then
		outcome := 'deleted';
	elsif in_emoji = any(own) then
		outcome := 'ok';
	elsif exists (select from conversations c where c.id = in_conversation and c.blocked) then
		outcome := 'blocked';
	elsif cardinality(own) >= in_own_max then
		outcome := 'own_full';
	elsif cardinality(words) / 2 >= in_max and not in_emoji = any(words) then
		outcome := 'full';
	end if;
	if outcome is not null then
		return;
	end if;
	insert into reactions (conversation_id, seq, user_id, emoji, created_at)
	values (in_conversation, message.seq, in_user, in_emoji, clock_timestamp());
	perform reaction_change(message, in_emoji, 1, in_event);
	outcome := 'ok';
end
$$;

-- And takes it back, also where one of the two has blocked the other. outcome: ok (also when there was none), not_found.
drop function if exists reaction_remove;
create function reaction_remove(in_conversation uuid, in_user uuid, in_message uuid, in_emoji text, in_event uuid,
	out outcome text)
language plpgsql as $$
declare
	message messages := message_lock(in_conversation, in_user, in_message);
begin
	if message.id is null then
		outcome := 'not_found';
		return;
	end if;
	outcome := 'ok';
	delete from reactions r
	where r.conversation_id = in_conversation and r.seq = message.seq and r.user_id = in_user
		and r.emoji = in_emoji;
	if found then
		perform reaction_change(message, in_emoji, -1, in_event);
	end if;
end
$$;
