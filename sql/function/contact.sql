-- Puts in_other into the address book of in_user. outcome: as of block_put.
drop function if exists contact_put;
create function contact_put(in_user uuid, in_other uuid, in_max bigint, out outcome text)
language plpgsql as $$
begin
	if not relation_begin(in_user, in_other) then
		outcome := 'not_found';
		return;
	end if;
	outcome := 'ok';
	if exists (select from contacts c where c.user_id = in_user and c.contact_id = in_other) then
		return;
	end if;
	if (select count(*) from contacts c where c.user_id = in_user) >= in_max then
		outcome := 'full';
		return;
	end if;
	insert into contacts (user_id, contact_id) values (in_user, in_other);
end
$$;

-- Takes away at most in_most of the contacts of, and as, somebody who is being erased, and whose row is locked for that.
drop function if exists contact_forget;
create function contact_forget(in_user uuid, in_most bigint) returns void language sql as $$
	with doomed as (
		select c.user_id, c.contact_id
		from contacts c
		where c.user_id = in_user or c.contact_id = in_user
		order by c.user_id, c.contact_id
		limit in_most
		for update
	)
	delete from contacts c
	using doomed d
	where c.user_id = d.user_id and c.contact_id = d.contact_id
$$;
