using CsCheck;

namespace Insa.Iiot.Tests;

public sealed class TelemetryCursorTests
{
    [Fact]
    public void Every_cursor_reads_back_as_it_was_written() =>
        Gen.Select(Gen.Long[0, DateTime.MaxValue.Ticks], Gen.String[Gen.Char.AlphaNumeric, 0, 128])
            .Sample(
                (ticks, metric) =>
                {
                    var cursor = new TelemetryCursor(new DateTime(ticks, DateTimeKind.Utc), metric);
                    return TelemetryCursor.TryParse(cursor.ToString(), out var read) && read == cursor;
                }
            );

    [Fact]
    public void Any_other_text_is_refused_without_an_exception() =>
        Gen.String.Sample(text => !TelemetryCursor.TryParse(text, out var read) || read.Metric is not null);

    [Theory]
    [InlineData("")]
    [InlineData("====")]
    [InlineData("OmE")]
    public void What_is_no_cursor_is_refused(string text) => Assert.False(TelemetryCursor.TryParse(text, out _));
}
