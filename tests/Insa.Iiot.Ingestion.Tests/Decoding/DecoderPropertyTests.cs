using System.Text.Json;
using CsCheck;
using Insa.Iiot.Ingestion.Decoding;

namespace Insa.Iiot.Ingestion.Tests.Decoding;

public sealed class DecoderPropertyTests
{
    private static readonly TenantId Tenant = TenantId.Parse("plant");
    private static readonly DeviceSession Session = new(Tenant, DeviceId.Parse("press"), [DeviceId.Parse("pump")]);
    private static readonly long Now = new DateTime(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc).Ticks;

    // Names without a dot, which flattening would add, and with all that JSON has to escape.
    private static readonly Gen<string> AnyName = Gen.String[
        Gen.OneOf(Gen.Char.AlphaNumeric, Gen.Const('"'), Gen.Const('\\'), Gen.Const('ä'), Gen.Const('€')),
        1,
        20
    ];
    private static readonly Gen<double> AnyNumber = Gen.OneOf(
            Gen.Double,
            Gen.Int.Select(i => (double)i),
            Gen.Const(0.0),
            Gen.Const(-0.5),
            Gen.Const(1e-300)
        )
        .Where(double.IsFinite);
    private static readonly Gen<object> AnyValue = Gen.OneOf(
        AnyNumber.Select(value => (object)value),
        Gen.Bool.Select(value => (object)value),
        Gen.String[Gen.Char['\u0020', '\uD7FF'], 0, 20].Select(value => (object)value)
    );

    private static readonly Gen<Dictionary<string, object>> AnyData = Gen.Dictionary(AnyName, AnyValue)[1, 8];

    [Fact]
    public void Every_message_written_as_platform_json_reads_back() =>
        Gen.Select(AnyData, Gen.Long[0, 3_000_000_000])
            .Sample(
                (data, millisecondsAgo) =>
                {
                    var time = new DateTimeOffset(Now, TimeSpan.Zero).AddMilliseconds(-millisecondsAgo);
                    var json = JsonSerializer.SerializeToUtf8Bytes(new { timestamp = time.ToUnixTimeMilliseconds(), data });
                    using var chunk = Decode(new PlatformJsonDecoder(), json, out var reason);
                    Assert.Equal(IngestReason.None, reason);
                    Assert.Equal(time.UtcTicks, chunk[0].TimestampTicks);
                    AssertEqual(data, chunk[0]);
                }
            );

    [Fact]
    public void A_nested_object_reads_as_its_flattened_names() =>
        Gen.Select(AnyName, AnyName, AnyNumber)
            .Sample(
                (outer, inner, number) =>
                {
                    var json = JsonSerializer.SerializeToUtf8Bytes(
                        new { data = new Dictionary<string, object> { [outer] = new Dictionary<string, object> { [inner] = number } } }
                    );
                    using var chunk = Decode(new PlatformJsonDecoder(), json, out var reason);
                    Assert.Equal(IngestReason.None, reason);
                    Assert.Equal($"{outer}.{inner}", chunk[0].Layout.Metrics[0]);
                    Assert.Equal(number, chunk[0].GetValue(0).AsDouble());
                }
            );

    [Fact]
    public void Every_time_written_as_rfc_3339_reads_back_to_the_microsecond() =>
        Gen.Select(Gen.Long[0, 86_400_000_000L * 3000], Gen.Int[-14 * 60, 14 * 60])
            .Sample(
                (microsecondsAgo, offsetMinutes) =>
                {
                    var time = new DateTimeOffset(Now - (microsecondsAgo * 10), TimeSpan.Zero).ToOffset(
                        TimeSpan.FromMinutes(offsetMinutes)
                    );
                    var json = JsonSerializer.SerializeToUtf8Bytes(new { timestamp = time, data = new { n = 1 } });
                    using var chunk = Decode(new PlatformJsonDecoder(), json, out var reason);
                    return reason == IngestReason.None && chunk[0].TimestampTicks == time.UtcTicks;
                }
            );

    [Fact]
    public void Every_number_written_as_senml_reads_back() =>
        Gen.Select(Gen.String[Gen.Char.AlphaNumeric, 1, 20], AnyNumber)
            .Sample(
                (name, number) =>
                {
                    var json = JsonSerializer.SerializeToUtf8Bytes(new[] { new { n = name, v = number } });
                    using var chunk = Decode(new SenmlJsonDecoder(), json, out var reason);
                    return reason == IngestReason.None
                        && chunk[0].Layout.Metrics[0] == name
                        && chunk[0].GetValue(0).AsDouble().Equals(number);
                }
            );

    [Fact]
    public void Any_bytes_are_taken_or_refused_without_an_exception_and_leave_nothing_when_refused() =>
        Gen.Select(Gen.Int[0, 4], Gen.Byte.Array[0, 200])
            .Sample(
                (format, bytes) =>
                {
                    ITelemetryDecoder decoder = format switch
                    {
                        0 => new PlatformJsonDecoder(),
                        1 => new SenmlJsonDecoder(),
                        2 => new SenmlCborDecoder(),
                        3 => new PlatformCborDecoder(),
                        _ => new ScalarDecoder(),
                    };
                    using var chunk = Decode(decoder, bytes, out var reason);
                    return (reason == IngestReason.None) == (chunk.FrameCount > 0);
                },
                iter: 20_000
            );

    [Theory]
    [InlineData(128, IngestReason.None)]
    [InlineData(129, IngestReason.NameTooLong)]
    public void A_flattened_name_is_measured_with_its_dots(int bytes, IngestReason expected)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(
            new { data = new Dictionary<string, object> { ["a"] = new Dictionary<string, int> { [new string('b', bytes - 2)] = 1 } } }
        );
        using var chunk = Decode(new PlatformJsonDecoder(), json, out var reason);
        Assert.Equal(expected, reason);
    }

    [Theory]
    [InlineData(7, IngestReason.None)]
    [InlineData(8, IngestReason.TooDeep)]
    public void Nested_objects_count_towards_the_depth(int objects, IngestReason expected)
    {
        var json = "{\"data\":" + string.Concat(Enumerable.Repeat("{\"a\":", objects)) + "1" + new string('}', objects + 1);
        using var chunk = Decode(new PlatformJsonDecoder(), System.Text.Encoding.UTF8.GetBytes(json), out var reason);
        Assert.Equal(expected, reason);
    }

    private static void AssertEqual(Dictionary<string, object> data, TelemetryFrame frame)
    {
        Assert.Equal(data.Keys, frame.Layout.Metrics);
        var i = 0;
        foreach (var expected in data.Values)
        {
            var value = frame.GetValue(i++);
            Assert.Equal(
                expected,
                value.Kind switch
                {
                    TelemetryValueKind.Double => value.AsDouble(),
                    TelemetryValueKind.Long => (double)value.AsLong(),
                    TelemetryValueKind.Bool => value.AsBool(),
                    _ => (object)value.AsText(),
                }
            );
        }
    }

    internal static TelemetryChunk Decode(ITelemetryDecoder decoder, byte[] payload, out IngestReason reason)
    {
        var chunk = new TelemetryChunk(64);
        chunk.Reset(Tenant);
        var writer = new TelemetryFrameWriter(new TelemetryLimits());
        writer.BeginMessage(chunk, Session, Session.Device, Now);
        reason = decoder.Decode(new TelemetryMessage(decoder.Format, payload), writer);
        if (reason == IngestReason.None)
            writer.CommitMessage();
        else
            writer.AbortMessage();
        return chunk;
    }
}
