/**
 * Which commands may be sent again when nobody knows whether they were run.
 */

/** They change nothing. */
const READS =
  "BITCOUNT BITFIELD_RO BITPOS DBSIZE DUMP ECHO EVALSHA_RO EVAL_RO EXISTS EXPIRETIME FCALL_RO GEODIST GEOHASH GEOPOS " +
  "GEORADIUSBYMEMBER_RO GEORADIUS_RO GEOSEARCH GET GETBIT GETRANGE HEXISTS HGET HGETALL HKEYS HLEN HMGET HRANDFIELD " +
  "HSCAN HSTRLEN HVALS INFO KEYS LCS LINDEX LLEN LPOS LRANGE MGET PEXPIRETIME PFCOUNT PING PTTL RANDOMKEY SCAN SCARD " +
  "SDIFF SINTER SINTERCARD SISMEMBER SMEMBERS SMISMEMBER SORT_RO SRANDMEMBER SSCAN STRLEN SUBSTR SUNION TIME TTL TYPE " +
  "XLEN XRANGE XREVRANGE ZCARD ZCOUNT ZDIFF ZINTER ZINTERCARD ZLEXCOUNT ZMSCORE ZRANDMEMBER ZRANGE ZRANGEBYLEX " +
  "ZRANGEBYSCORE ZRANK ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE ZUNION"

/** Run twice, they leave what they leave when run once, and answer the same. */
const REPEATABLE_WRITES = "EXPIREAT HMSET LSET MSET PEXPIREAT PSETEX SETEX TOUCH"

/** The same, as long as nothing but a time is said: other options ask for the state before, or depend on it. */
const REPEATABLE_WITH_TIME = "EXPIRE PEXPIRE SET"
const TIMES = /^(?:EX|PX|EXAT|PXAT|KEEPTTL|\d+)$/i

const repeatable = new Set(`${READS} ${REPEATABLE_WRITES}`.split(" "))
const repeatableWithTime = new Set(REPEATABLE_WITH_TIME.split(" "))

/** Whether a command that was run and one that was run twice cannot be told apart, neither by the data nor by the reply. */
export const isRepeatable = (command: string, args: ReadonlyArray<string>): boolean => {
  const name = command.toUpperCase()
  return repeatable.has(name) || (repeatableWithTime.has(name) && args.slice(2).every((option) => TIMES.test(option)))
}
