-- Public keys of devices, by which clients encrypt for each other. What they mean is the clients' to know: nothing here computes
-- with them.

create table device_keys (
	user_id           uuid not null,
	device_id         uuid not null,
	identity_key      text not null check (octet_length(identity_key) = 44),
	signed_id         integer check (signed_id >= 0),
	signed_public_key text check (octet_length(signed_public_key) = 44),
	signed_signature  text check (octet_length(signed_signature) = 88),
	primary key (user_id, device_id),
	foreign key (user_id, device_id) references devices,
	check ((signed_id is null) = (signed_public_key is null) and (signed_id is null) = (signed_signature is null))
);

comment on table device_keys is 'Who a device is to those who encrypt for it. Keys are base64: 32 or 33 bytes, a signature 64';
comment on column device_keys.user_id is 'Whose';
comment on column device_keys.device_id is 'The device, which alone sets them';
comment on column device_keys.identity_key is 'Its long-lived key; stays when the keys have ended, so that what was handed out under it is remembered';
comment on column device_keys.signed_id is 'How the device names its signed pre-key; null: its keys have ended, and nobody is given them';
comment on column device_keys.signed_public_key is 'The signed pre-key';
comment on column device_keys.signed_signature is 'Of the signed pre-key by the identity key; never verified here';

create table one_time_prekeys (
	user_id    uuid not null,
	device_id  uuid not null,
	key_id     integer not null check (key_id >= 0),
	public_key text not null check (octet_length(public_key) = 44),
	taken      boolean not null default false,
	primary key (user_id, device_id, key_id),
	foreign key (user_id, device_id) references device_keys
);
create index one_time_prekeys_left on one_time_prekeys (user_id, device_id, key_id) where not taken;

comment on table one_time_prekeys is 'Keys of which each is handed out once. A row stays when it is, so that the same key sent again is not handed out again';
comment on column one_time_prekeys.user_id is 'Of the device';
comment on column one_time_prekeys.device_id is 'Of the device';
comment on column one_time_prekeys.key_id is 'How the device names it: one key for as long as the identity key lasts';
comment on column one_time_prekeys.public_key is 'The key, in base64';
comment on column one_time_prekeys.taken is 'It has been handed out; to whom and when is nowhere';
