// Pictures made for tests: small ones of every kind, and some that nobody would send who means well.
import { deflateSync } from 'node:zlib';
import { crc32 } from './crc32.mjs';

const chunk = (type, data) => {
	const bytes = Buffer.concat([Buffer.alloc(4), Buffer.from(type, 'latin1'), data, Buffer.alloc(4)]);
	bytes.writeUInt32BE(data.length, 0);
	bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), bytes.length - 4);
	return bytes;
};

/**
 * A PNG of zeros, of one bit a pixel: a hundred million of them are some kilobytes.
 * rows: of the content; fewer than height is a lie. comment: two with another are two files.
 */
export function png(width, height, { rows = height, comment = '' } = {}) {
	const head = Buffer.alloc(13);
	head.writeUInt32BE(width, 0);
	head.writeUInt32BE(height, 4);
	head[8] = 1;
	const content = deflateSync(Buffer.alloc(rows * (1 + Math.ceil(width / 8))));
	const parts = [chunk('IHDR', head), chunk('tEXt', Buffer.from(`Comment\0${comment}`, 'latin1')), chunk('IDAT', content)];
	return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), ...parts, chunk('IEND', Buffer.alloc(0))]);
}

// 40 × 20, all of one colour
const of = (base64) => Buffer.from(base64, 'base64');
export const jpeg = of(
	'/9j/2wBDAAgGBgcGBQgHBwcJCQgKDBQNDAsLDBkSEw8UHRofHh0aHBwgJC4nICIsIxwcKDcpLDAxNDQ0Hyc5PTgyPC4zNDL/2wBDAQkJCQwLDBgNDRgyIRwh' +
		'MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjL/wAARCAAUACgDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAA' +
		'AAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6' +
		'Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl' +
		'5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAAAAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEI' +
		'FEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRomJygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOk' +
		'paanqKmqsrO0tba3uLm6wsPExcbHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwD0iiiigAooooAKKKKACiiigAooooAKKKKA' +
		'P//Z',
);
export const webp = of(
	'UklGRggBAABXRUJQVlA4WAoAAAAIAAAAJwAAEwAAVlA4ICgAAADwAgCdASooABQAPpFGnkslo6KhpWgAsBIJaQAAKUNt8AD+8HYAAAAARVhJRroAAABFeGlm' +
		'AABJSSoACAAAAAYAEgEDAAEAAAABAAAAGgEFAAEAAABWAAAAGwEFAAEAAABeAAAAKAEDAAEAAAACAAAAEwIDAAEAAAABAAAAaYcEAAEAAABmAAAAAAAAADhj' +
		'AADoAwAAOGMAAOgDAAAGAACQBwAEAAAAMDIxMAGRBwAEAAAAAQIDAACgBwAEAAAAMDEwMAGgAwABAAAA//8AAAKgBAABAAAAKAAAAAOgBAABAAAAFAAAAAAA' +
		'AAA=',
);
export const gif = of('R0lGODlhKAAUAIAAAEdwTMjIyCH/C05FVFNDQVBFMi4wAwEAAAAh+QQFAAAAACwAAAAAKAAUAAACGoyPqcvtD6OctNqLs968+w+G4kiW5omm6ooVADs=');
export const avif = of(
	'AAAAHGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZgAAAOptZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAAAAABAAAA' +
		'Imlsb2MAAAAAREAAAQABAAAAAAEOAAEAAAAAAAAAGAAAACNpaW5mAAAAAAABAAAAFWluZmUCAAAAAAEAAGF2MDEAAAAAamlwcnAAAABLaXBjbwAAABNjb2xy' +
		'bmNseAACAAIABoAAAAAMYXYxQ4EADAAAAAAUaXNwZQAAAAAAAAAoAAAAFAAAABBwaXhpAAAAAAMICAgAAAAXaXBtYQAAAAAAAAABAAEEgYIDhAAAACBtZGF0' +
		'EgAKCRgVJ5sECAgaEDIJGAAAAEALOJGa',
);
export const heic = of(
	'AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAa1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRtAAAAAAACAAAA' +
		'EGlkYXQAAAAAACgAFAAAADhpbG9jAQAAAERAAAIAAQAAAAAAAAHRAAEAAAAAAAAAKwACAAEAAAAAAAAAAQAAAAAAAAAIAAAAOGlpbmYAAAAAAAIAAAAVaW5m' +
		'ZQIAAAEAAQAAaHZjMQAAAAAVaW5mZQIAAAAAAgAAZ3JpZAAAAADYaXBycAAAALZpcGNvAAAAdmh2Y0MBA3AAAAAAAAAAAAAe8AD8/fj4AAAPAyAAAQAYQAEM' +
		'Af//A3AAAAMAkAAAAwAAAwAeugJAIQABACpCAQEDcAAAAwCQAAADAAADAB6gIIEFluqumubgQEDAgAAAAwCAAAADAIQiAAEABkQBwXPBiQAAABRpc3BlAAAA' +
		'AAAAAEAAAABAAAAAFGlzcGUAAAAAAAAAKAAAABQAAAAQcGl4aQAAAAADCAgIAAAAGmlwbWEAAAAAAAAAAgABAoECAAICA4QAAAAaaXJlZgAAAAAAAAAOZGlt' +
		'ZwACAAEAAQAAADNtZGF0AAAAJygBrxMhMZb4TlCnlvthAzQyVTFouU+lc90KUJNyfrj+8oeTxWKC4A==',
);

/** The JPEG as a camera writes it that was held upright, with who held it when: 20 × 40 as it is shown. */
export function photo() {
	const tiff = Buffer.alloc(160);
	const entries = (at, ...list) => {
		tiff.writeUInt16LE(list.length, at);
		list.forEach(([tag, type, count, value], i) => {
			tiff.writeUInt16LE(tag, at + 2 + 12 * i);
			tiff.writeUInt16LE(type, at + 4 + 12 * i);
			tiff.writeUInt32LE(count, at + 6 + 12 * i);
			tiff.writeUInt32LE(value, at + 10 + 12 * i);
		});
	};
	tiff.write('II*\0\x08', 'latin1');
	entries(8, [0x0112, 3, 1, 6], [0x013b, 2, 13, 100], [0x8825, 4, 1, 60]); // orientation, artist, place
	entries(60, [0x001d, 2, 11, 120]); // the day of the place
	tiff.write('Photographer\0', 100, 'latin1');
	tiff.write('2026:11:26\0', 120, 'latin1');
	const exif = Buffer.concat([Buffer.from([0xff, 0xe1, 0, 0]), Buffer.from('Exif\0\0', 'latin1'), tiff]);
	exif.writeUInt16BE(exif.length - 2, 2);
	return Buffer.concat([jpeg.subarray(0, 2), exif, jpeg.subarray(2)]);
}

/** The GIF with its one picture many times over. */
export function movie(frames) {
	const head = gif.subarray(0, gif.indexOf(Buffer.from([0x21, 0xf9])));
	const frame = gif.subarray(head.length, -1);
	return Buffer.concat([head, ...Array(frames).fill(frame), gif.subarray(-1)]);
}

/** The GIF, which says that it is larger, and its picture, too. */
export function gifOf(width, height) {
	const bytes = Buffer.from(gif);
	for (const at of [6, bytes.indexOf(0x2c, 13) + 5]) {
		bytes.writeUInt16LE(width, at);
		bytes.writeUInt16LE(height, at + 2);
	}
	return bytes;
}
