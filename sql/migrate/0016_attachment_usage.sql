-- How much each person has uploaded: what a quota is held against, without adding up all files at each.

create table attachment_usage (
	user_id uuid primary key references users,
	bytes   bigint not null check (bytes >= 0)
);

comment on table attachment_usage is 'Sum of the sizes of one''s files; kept by a trigger on attachments, whoever inserts or deletes. Its row is the lock that makes a quota exact';
comment on column attachment_usage.user_id is 'Whose: attachments.owner_id';
comment on column attachment_usage.bytes is 'Of all of them';

-- As the schema's owner, so that whoever may delete a file need not be able to write here.
create function attachment_usage_keep() returns trigger
language plpgsql security definer set search_path = public, pg_temp as $$
begin
	if tg_op = 'INSERT' then
		insert into attachment_usage as u (user_id, bytes)
		select c.owner_id, sum(c.size) from changed c group by c.owner_id order by c.owner_id
		on conflict (user_id) do update set bytes = u.bytes + excluded.bytes;
	else
		-- in one order, so that two who delete do not wait for each other
		perform from attachment_usage u
		where u.user_id in (select c.owner_id from changed c) order by u.user_id for no key update;
		update attachment_usage u
		set bytes = u.bytes - gone.size
		from (select c.owner_id, sum(c.size) as size from changed c group by c.owner_id) gone
		where u.user_id = gone.owner_id;
	end if;
	return null;
end
$$;
create trigger attachment_usage_more after insert on attachments
	referencing new table as changed for each statement execute function attachment_usage_keep();
create trigger attachment_usage_less after delete on attachments
	referencing old table as changed for each statement execute function attachment_usage_keep();

insert into attachment_usage (user_id, bytes)
select a.owner_id, sum(a.size) from attachments a group by a.owner_id;
