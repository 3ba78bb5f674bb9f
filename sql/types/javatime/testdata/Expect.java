import java.time.*;
import java.time.format.*;
import java.time.temporal.*;
import java.util.*;

/**
 * Writes expect.tsv: what DateTimeFormatter makes of patterns. Run with a JDK: java Expect.java > expect.tsv
 *
 *   c  pattern  ok or refused
 *   f  pattern  zone  milliseconds  text or refused        a moment in a zone
 *   d  pattern  days  text or refused                      a date alone
 *   t  pattern  milliseconds  text or refused              a time of day alone
 *   D  pattern  text  days or refused                      a date read
 *   T  pattern  text  milliseconds or refused              a time of day read
 *   Z  pattern  text  milliseconds or refused              a moment read, in UTC unless the text has a zone
 */
public class Expect {
  static final String[] ZONES = {"UTC", "Europe/Paris", "America/Los_Angeles", "Asia/Kolkata", "Asia/Tokyo", "Asia/Istanbul"};
  static final long[] MOMENTS = {1526075913042L, 0L, -1L, 1577836799999L, 1609459200000L, 951782400000L, -62198755200001L, 1720958400000L};
  static final Locale US = Locale.US;

  static DateTimeFormatter of(String p) {
    return new DateTimeFormatterBuilder().parseCaseInsensitive().appendPattern(p).toFormatter(US);
  }

  interface Body { Object get() throws Exception; }

  static void line(String kind, Body b, Object... cols) {
    StringBuilder s = new StringBuilder(kind);
    for (Object c : cols) s.append('\t').append(c);
    Object r;
    try { r = b.get(); } catch (Exception e) { r = "refused"; }
    System.out.println(s.append('\t').append(r));
  }

  public static void main(String[] args) {
    String letters = "GuyYDMLdQqwWEecFaBhKkHmsSAnNgVvzOXxZpRCIijJlobfrtTUPp";
    List<String> patterns = new ArrayList<>();
    for (char c : letters.toCharArray())
      for (int n = 1; n <= 6; n++) patterns.add(String.valueOf(c).repeat(n));
    patterns.addAll(List.of("yyyyyyyyyyyyyyyyyyy", "yyyyyyyyyyyyyyyyyyyy", "SSSSSSSSS", "SSSSSSSSSS", "ppH", "pppd/ppM", "ppMMMM", "pp", "p'x'", "'open", "''", "[yyyy][HH]", "]", "{", "#", "yyyy-'W'ww-e", "YYYY-'W'ww-e"));
    for (String p : new LinkedHashSet<>(patterns)) line("c", () -> { of(p); return "ok"; }, p);
    List<String> formats = new ArrayList<>();
    for (String p : new LinkedHashSet<>(patterns)) { try { of(p); formats.add(p); } catch (Exception e) { } }
    formats.addAll(List.of("YYYY-'W'ww-e", "EEE, d MMM yyyy HH:mm:ss Z", "EEEE MMMM d, yyyy h:mm a zzzz", "h B", "h:mm BBBB", "pp5H|ppm", "yyyy-MM-dd HH:mm:ss.SSSSSS VV", "W F g", "[d HH] x", "ccc cccc ccccc eee eeee eeeee LLL LLLL LLLLL"));
    formats.remove("pp5H|ppm");
    int i = 0;
    for (String p : formats) {
      for (long m : MOMENTS) {
        String z = ZONES[i++ % ZONES.length];
        line("f", () -> of(p).format(Instant.ofEpochMilli(m).atZone(ZoneId.of(z))), p, z, m);
      }
      line("d", () -> of(p).format(LocalDate.ofEpochDay(18500)), p, 18500);
      line("t", () -> of(p).format(LocalTime.ofNanoOfDay(45296789L * 1000000)), p, 45296789);
    }
    for (String z : List.of("UTC", "GMT", "Europe/Paris", "America/Los_Angeles", "Asia/Kolkata", "Europe/Dublin", "Asia/Istanbul", "America/Sao_Paulo", "Australia/Sydney", "Asia/Kathmandu", "America/Caracas", "Etc/GMT+5"))
      for (String p : List.of("z", "zzzz", "v", "vvvv", "VV", "O", "OOOO", "XXX"))
      for (long m : new long[]{1526075913042L, 1578000000000L}) line("f", () -> of(p).format(Instant.ofEpochMilli(m).atZone(ZoneId.of(z))), p, z, m);
    for (String p : List.of("z", "zzzz", "v", "VV", "O", "X")) line("f", () -> of(p).format(Instant.EPOCH.atZone(ZoneId.of("+05:30"))), p, "+05:30", 0);
    String[][] dates = {
      {"yyyy-MM-dd", "2018-05-11"}, {"yyyy-MM-dd", "2018-02-31"}, {"yyyy-MM-dd", "2018-02-32"}, {"yyyy", "2018"}, {"yyyy-MM", "2018-05"}, {"yyyy-DDD", "2018-131"}, {"yyyy-D", "2018-366"},
      {"YYYY-'W'ww-e", "2018-W19-6"}, {"YYYY-'W'ww-EEE", "2018-W19-Fri"}, {"YYYY-'W'ww", "2018-W19"}, {"YYYY-'W'ww-e", "2020-W01-1"}, {"YYYY-'W'ww-e", "2018-W54-1"}, {"YYYY-w-c", "2021-53-1"},
      {"yyyy-MM-W-e", "2018-05-2-6"}, {"EEE yyyy-MM-dd", "Fri 2018-05-11"}, {"EEE yyyy-MM-dd", "Sat 2018-05-11"}, {"EEEE yyyy-MM-dd", "FRIDAY 2018-05-11"}, {"g", "58249"},
      {"yy-MM-dd", "18-05-11"}, {"YY-ww-e", "18-19-6"}, {"d MMM uuuu", "11 may 2018"}, {"d LLLL uuuu", "11 May 2018"}, {"yyyy-MM-dd HH", "2018-05-11 10"}, {"yyyy-MM-dd G", "2018-05-11 BC"},
      {"yyyy-MM-dd GGGG", "2018-05-11 Anno Domini"}, {"yyyy-MM-dd[ HH]", "2018-05-11"}, {"ppd/ppM/yyyy", " 1/12/2018"}, {"ppd/ppM/yyyy", "11/ 2/2018"}, {"ppd/ppM/yyyy", "1/2/2018"}, {"yyyyMMdd", "20180511"}, {"yMMdd", "20180511"},
      {"uuuu-MM-dd", "-0001-01-01"}, {"yyyy-MM-dd", "+12018-01-01"}, {"yyyy-MM-dd", "12018-01-01"}, {"QQQ yyyy", "Q2 2018"}, {"yyyy-MM-dd e", "2018-05-11 6"}, {"yyyy-MM-dd e", "2018-05-11 5"}, {"F yyyy-MM", "2 2018-05"},
      {"yyyy-MM-dd zzzz", "2018-05-11 Pacific Standard Time"},
    };
    for (String[] c : dates) line("D", () -> LocalDate.from(of(c[0]).parse(c[1])).toEpochDay(), c[0], c[1]);
    String[][] times = {
      {"HH:mm:ss", "10:11:12"}, {"HH", "10"}, {"mm:ss", "11:12"}, {"h:mm a", "1:05 PM"}, {"h:mm", "1:05"}, {"K a", "0 PM"}, {"kk", "24"}, {"HH:mm", "24:00"}, {"h B", "1 in the afternoon"}, {"h BBBB", "11 at night"}, {"h B", "3 in the morning"},
      {"A", "45296789"}, {"N", "45296789000000"}, {"HH:mm:ss n", "10:11:12 5000000"}, {"HH:mm:ss.SSS", "10:11:12.5"}, {"HHmmss", "101112"}, {"ppH:mm", " 9:05"}, {"h:mm B", "12:00 noon"}, {"h:mm B", "1:00 noon"}, {"B", "midnight"}, {"HH:ss", "10:12"},
    };
    for (String[] c : times) line("T", () -> LocalTime.from(of(c[0]).parse(c[1])).toNanoOfDay() / 1000000, c[0], c[1]);
    String[][] moments = {
      {"yyyy-MM-dd HH:mm:ss z", "2018-05-11 21:58:33 PDT"}, {"yyyy-MM-dd HH:mm:ss zzzz", "2018-05-11 21:58:33 Pacific Daylight Time"}, {"yyyy-MM-dd HH:mm:ss zzzz", "2018-05-11 21:58:33 Central European Time"},
      {"yyyy-MM-dd HH:mm:ss v", "2018-05-11 21:58:33 PT"}, {"yyyy-MM-dd HH:mm:ss vvvv", "2018-05-11 21:58:33 Pacific Time"}, {"yyyy-MM-dd HH:mm:ss O", "2018-05-11 21:58:33 GMT+5"}, {"yyyy-MM-dd HH:mm:ss OOOO", "2018-05-11 21:58:33 GMT+05:00"},
      {"yyyy-MM-dd HH:mm:ss VV", "2018-05-11 21:58:33 Asia/Tokyo"}, {"yyyy-MM-dd HH:mm:ss VV", "2018-05-11 21:58:33 +02:00"}, {"yyyy-MM-dd HH:mm:ss VV", "2018-05-11 21:58:33 GMT+2"}, {"yyyy-MM-dd HH:mm:ssX", "2018-05-11 21:58:33-08"}, {"yyyy-MM-dd HH:mm:ssx", "2018-05-11 21:58:33Z"},
      {"yyyy-MM-dd HH:mm:ssZZZZ", "2018-05-11 21:58:33GMT+02:00"}, {"yyyy-MM-dd HH:mm:ssZZZZZ", "2018-05-11 21:58:33+02:00"}, {"EEEE, d MMMM yyyy h:mm:ss a zzzz", "Friday, 11 May 2018 9:58:33 PM India Standard Time"},
      {"YYYY-'W'ww-e HH:mm", "2018-W19-6 21:58"},
    };
    for (String[] c : moments) line("Z", () -> {
      TemporalAccessor a = of(c[0]).parse(c[1]);
      ZoneId z = a.query(TemporalQueries.zone());
      return LocalDateTime.from(a).atZone(z == null ? ZoneOffset.UTC : z).toInstant().toEpochMilli();
    }, c[0], c[1]);
  }
}
