using System.Text.Json;
using System.Text.Json.Nodes;
using CsCheck;
using Insa.Iiot.Ingestion.Decoding;

namespace Insa.Iiot.Ingestion.Tests.Decoding;

public sealed class PlatformCborTests
{
    private static readonly Gen<JsonNode> AnyScalar = Gen.OneOf<JsonNode>(
        Gen.Double.Where(double.IsFinite).Select(value => (JsonNode)value),
        Gen.Float.Where(float.IsFinite).Select(value => (JsonNode)(double)value),
        Gen.Int.Select(value => (JsonNode)value),
        Gen.Bool.Select(value => (JsonNode)value),
        Gen.String[Gen.Char['\0', '\uD7FF'], 0, 20].Select(value => (JsonNode)value),
        Gen.Const(0).Select(_ => (JsonNode)null!)
    );

    private static readonly Gen<JsonNode> AnyArray = AnyScalar
        .Array[0, 5]
        .Select(AnyScalar.Array[0, 3], (items, members) => (JsonNode)new JsonArray([.. items.Select(Copy), ObjectOf(members)]));

    private static readonly Gen<JsonNode> AnyValue = Gen.OneOf(
        AnyScalar,
        AnyScalar,
        AnyArray,
        AnyScalar.Array[1, 3].Select(members => (JsonNode)ObjectOf(members))
    );

    private static readonly Gen<JsonNode> AnyFrame = Gen.Select(
            AnyValue.Array[1, 6],
            Gen.Int[0, 3],
            Gen.Int[0, 3],
            Gen.Int[0, 3],
            Gen.Int[0, 3]
        )
        .Select(
            (values, device, time, quality, order) =>
            {
                var members = new List<KeyValuePair<string, JsonNode?>> { new("data", ObjectOf(values)), new("note", "passed over") };
                if (device > 0)
                    members.Add(
                        new(
                            "device_id",
                            device switch
                            {
                                1 => "pump",
                                2 => "",
                                _ => null,
                            }
                        )
                    );
                if (time > 0)
                    members.Add(
                        new(
                            "timestamp",
                            time switch
                            {
                                1 => 1777636800123,
                                2 => "2026-05-01T11:59:00.000001Z",
                                _ => null,
                            }
                        )
                    );
                if (quality > 0)
                    members.Add(
                        new(
                            "quality",
                            quality switch
                            {
                                1 => "good",
                                2 => "uncertain",
                                _ => "bad",
                            }
                        )
                    );
                if (order > 1)
                    members.Reverse();
                return (JsonNode)new JsonObject(members);
            }
        );

    [Fact]
    public void A_message_in_cbor_stores_the_same_as_in_json() =>
        Gen.Select(AnyFrame.Array[1, 4], Gen.Bool, Gen.Int)
            .Sample(
                (frames, isArray, seed) =>
                {
                    var message = isArray || frames.Length > 1 ? new JsonArray([.. frames.Select(Copy)]) : frames[0];
                    var json = JsonSerializer.SerializeToUtf8Bytes(message);
                    var cbor = CborOfJson.Write(JsonDocument.Parse(json).RootElement, seed);
                    using var expected = DecoderPropertyTests.Decode(new PlatformJsonDecoder(), json, out var reason);
                    using var chunk = DecoderPropertyTests.Decode(new PlatformCborDecoder(), cbor, out var cborReason);
                    Assert.Equal(reason, cborReason);
                    Assert.Equal(expected.FrameCount, chunk.FrameCount);
                    for (var i = 0; i < chunk.FrameCount; i++)
                        AssertEqual(expected[i], chunk[i]);
                }
            );

    [Theory]
    [InlineData("A16464617461A1616101", IngestReason.None)]
    [InlineData("81A16464617461A1616101", IngestReason.None)]
    [InlineData("D9D9F7A16464617461A1616101", IngestReason.None)] // self-described
    [InlineData("BF6464617461BF7F6161FF01FFFF", IngestReason.None)] // nothing has a length
    [InlineData("", IngestReason.Empty)]
    [InlineData("80", IngestReason.Empty)]
    [InlineData("9FFF", IngestReason.Empty)]
    [InlineData("A0", IngestReason.Empty)]
    [InlineData("A16464617461A0", IngestReason.Empty)]
    [InlineData("A16464617461A16161F6", IngestReason.Empty)]
    [InlineData("01", IngestReason.Malformed)]
    [InlineData("8101", IngestReason.Malformed)]
    [InlineData("A16464617461A1616101FF", IngestReason.Malformed)] // a break behind the end
    [InlineData("A16464617461A161610100", IngestReason.Malformed)] // a byte behind the end
    [InlineData("A26464617461A16161016464617461A1616201", IngestReason.Malformed)] // data twice
    [InlineData("A10101", IngestReason.Malformed)] // a key that is no text
    [InlineData("A16464617461A10101", IngestReason.Malformed)]
    [InlineData("A16464617461BF6161FF", IngestReason.Malformed)] // a break instead of a value
    [InlineData("A16464617461A16161F800", IngestReason.Malformed)] // a simple value that means nothing
    [InlineData("A16464617461A16161C24101", IngestReason.Malformed)] // a bignum
    [InlineData("A16464617461A161616280FF", IngestReason.Malformed)] // text that is not UTF-8
    [InlineData("A16464617461A161618161FF", IngestReason.Malformed)]
    [InlineData("A16464617461A16161F97C00", IngestReason.NotFinite)]
    [InlineData("A16464617461A16161FA7FC00000", IngestReason.NotFinite)]
    [InlineData("A16464617461A1616181FBFFF0000000000000", IngestReason.NotFinite)]
    [InlineData("A16464617461A16161C4821903E81903E8", IngestReason.NotFinite)] // 1000e1000
    [InlineData("A16464617461A2616101616102", IngestReason.DuplicateMetric)]
    [InlineData("A16464617461A16001", IngestReason.NameInvalid)]
    [InlineData("A2696465766963655F69646264396464617461A1616101", IngestReason.DeviceNotAllowed)]
    [InlineData("A26974696D657374616D70697965737465726461796464617461A1616101", IngestReason.TimestampInvalid)]
    [InlineData("A26974696D657374616D70F56464617461A1616101", IngestReason.TimestampInvalid)]
    [InlineData("A26974696D657374616D70C161316464617461A1616101", IngestReason.TimestampInvalid)] // seconds as text
    [InlineData("A26974696D657374616D70C0016464617461A1616101", IngestReason.TimestampInvalid)] // a number as date and time
    [InlineData("A26974696D657374616D70FB7E37E43C8800759C6464617461A1616101", IngestReason.TimestampOutOfRange)]
    [InlineData("A26974696D657374616D70F97E006464617461A1616101", IngestReason.NotFinite)]
    [InlineData("A16464617461A16161818181818181F6", IngestReason.None)]
    [InlineData("A16464617461A1616181818181818181F6", IngestReason.TooDeep)]
    [InlineData("A16464617461A16161D820D820D820D820D820D82001", IngestReason.None)]
    [InlineData("A16464617461A16161D820D820D820D820D820D820D82001", IngestReason.TooDeep)] // tags count as depth
    [InlineData("A16464617461A16161A16161A16161A16161A16161C4822001", IngestReason.None)]
    [InlineData("A26464617461A16161A16161A16161A16161A16161C4822001677175616C69747963626164", IngestReason.None)]
    [InlineData("A16464617461A16161A16161A16161A16161A16161A16161C4822001", IngestReason.TooDeep)] // a tag and its pair
    [InlineData("A26464617461A16161A16161A16161A16161A16161A16161C4822001677175616C69747963626164", IngestReason.TooDeep)]
    [InlineData("A26464617461A16161016974696D657374616D70C0781C323032362D3035", IngestReason.Malformed)] // shorter than it says
    [InlineData("A1617881818181818181818100", IngestReason.TooDeep)] // in what is passed over
    public void A_message_is_taken_or_refused_with_its_reason(string hex, IngestReason expected)
    {
        using var chunk = DecoderPropertyTests.Decode(new PlatformCborDecoder(), Convert.FromHexString(hex), out var reason);
        Assert.Equal(expected, reason);
        Assert.Equal(reason == IngestReason.None, chunk.FrameCount == 1);
    }

    [Theory]
    [InlineData("F93E00", 1.5)]
    [InlineData("FA3FC00000", 1.5)]
    [InlineData("FB3FF8000000000000", 1.5)]
    [InlineData("F90001", 5.960464477539063e-8)]
    [InlineData("00", 0.0)]
    [InlineData("1864", 100.0)]
    [InlineData("3903E7", -1000.0)]
    [InlineData("1B0020000000000000", 9007199254740992.0)]
    [InlineData("3B001FFFFFFFFFFFFF", -9007199254740992.0)]
    [InlineData("1B0020000000000001", 9007199254740993L)]
    [InlineData("3B0020000000000000", -9007199254740993L)]
    [InlineData("1B7FFFFFFFFFFFFFFF", long.MaxValue)]
    [InlineData("3B7FFFFFFFFFFFFFFF", long.MinValue)]
    [InlineData("1BFFFFFFFFFFFFFFFF", 18446744073709551615.0)]
    [InlineData("3BFFFFFFFFFFFFFFFF", -18446744073709551616.0)]
    [InlineData("C48221196AB3", 273.15)] // tag 4, RFC 8949 §3.4.4
    [InlineData("C5822003", 1.5)]
    [InlineData("C11A69F495C0", 1777636800.0)] // a time as a value is its number
    [InlineData("F5", true)]
    [InlineData("F4", false)]
    [InlineData("63E282AC", "€")]
    [InlineData("7F61E26282ACFF", "€")] // a character over two chunks, which RFC 8949 §3.2.3 tells senders not to make
    [InlineData("42FBEF", "--8")]
    [InlineData("5F41FB41EFFF", "--8")]
    [InlineData("C074323031332D30332D32315432303A30343A30305A", "2013-03-21T20:04:00Z")]
    public void A_value_is_stored_as_what_it_says(string hex, object expected)
    {
        using var chunk = DecoderPropertyTests.Decode(
            new PlatformCborDecoder(),
            [.. Convert.FromHexString("A16464617461A16161"), .. Convert.FromHexString(hex)],
            out var reason
        );
        Assert.Equal(IngestReason.None, reason);
        var value = chunk[0].GetValue(0);
        Assert.Equal(
            expected,
            value.Kind switch
            {
                TelemetryValueKind.Double => value.AsDouble(),
                TelemetryValueKind.Long => value.AsLong(),
                TelemetryValueKind.Bool => value.AsBool(),
                _ => (object)value.AsText(),
            }
        );
    }

    [Theory]
    [InlineData("1B0000019DE3680C1B", "2026-05-01T11:59:00.123Z")] // milliseconds
    [InlineData("C11A69F49584", "2026-05-01T11:59:00Z")]
    [InlineData("C1FB41DA7D256107DF3B", "2026-05-01T11:59:00.123Z")]
    [InlineData("C0781B323032362D30352D30315431313A35393A30302E3030303030315A", "2026-05-01T11:59:00.000001Z")]
    [InlineData("F7", "2026-05-01T12:00:00Z")]
    public void A_time_is_milliseconds_or_what_its_tag_says(string hex, string expected)
    {
        using var chunk = DecoderPropertyTests.Decode(
            new PlatformCborDecoder(),
            [.. Convert.FromHexString("A26464617461A16161016974696D657374616D70"), .. Convert.FromHexString(hex)],
            out var reason
        );
        Assert.Equal(IngestReason.None, reason);
        Assert.Equal(DateTimeOffset.Parse(expected, null).UtcTicks, chunk[0].TimestampTicks);
    }

    [Fact]
    public void An_array_is_kept_as_json_with_its_text_escaped()
    {
        // ["a\n\"", h'FF', -1, 18446744073709551615, 1.5, {"x": null}, undefined]
        using var chunk = DecoderPropertyTests.Decode(
            new PlatformCborDecoder(),
            Convert.FromHexString("A16464617461A161618763610A2241FF201BFFFFFFFFFFFFFFFFF93E00A16178F6F7"),
            out var reason
        );
        Assert.Equal(IngestReason.None, reason);
        Assert.Equal("""["a\u000a\"","_w",-1,18446744073709551615,1.5,{"x":null},null]""", chunk[0].GetValue(0).AsText());
    }

    [Theory]
    [InlineData("9BFFFFFFFFFFFFFFFF")] // an array of 2^64 elements
    [InlineData("BBFFFFFFFFFFFFFFFF")]
    [InlineData("A16464617461BBFFFFFFFFFFFFFFFF616101")]
    [InlineData("A16464617461A161619BFFFFFFFFFFFFFFFF01")]
    [InlineData("A17BFFFFFFFFFFFFFFFF61")] // a key of 2^64 bytes
    [InlineData("A16464617461A161617B7FFFFFFFFFFFFFFF61")]
    [InlineData("A16464617461A161615BFFFFFFFFFFFFFFFF61")]
    public void A_length_that_is_not_there_is_malformed(string hex)
    {
        using var chunk = DecoderPropertyTests.Decode(new PlatformCborDecoder(), Convert.FromHexString(hex), out var reason);
        Assert.Equal(IngestReason.Malformed, reason);
    }

    [Theory]
    [InlineData(0x81, IngestReason.TooDeep)]
    [InlineData(0x9F, IngestReason.TooDeep)]
    [InlineData(0xC1, IngestReason.TooDeep)]
    [InlineData(0xA1, IngestReason.Malformed)] // a map for a key
    [InlineData(0xBF, IngestReason.Malformed)]
    [InlineData(0x5F, IngestReason.Malformed)] // a chunk that is no chunk
    [InlineData(0x7F, IngestReason.Malformed)]
    public void A_message_of_nothing_but_openings_is_refused_early(byte opening, IngestReason expected)
    {
        var bomb = Enumerable.Repeat(opening, 200_000).ToArray();
        foreach (var head in new[] { "A16464617461A16161", "81A16464617461A16161" })
        {
            using var chunk = DecoderPropertyTests.Decode(
                new PlatformCborDecoder(),
                [.. Convert.FromHexString(head), .. bomb],
                out var reason
            );
            Assert.Equal(expected, reason);
        }
    }

    [Theory]
    [InlineData(0x81, IngestReason.TooDeep)]
    [InlineData(0x9F, IngestReason.TooDeep)]
    [InlineData(0xA1, IngestReason.TooDeep)]
    [InlineData(0xBF, IngestReason.TooDeep)]
    [InlineData(0xC1, IngestReason.TooDeep)]
    [InlineData(0x5F, IngestReason.Malformed)]
    [InlineData(0x7F, IngestReason.Malformed)]
    public void So_is_what_is_passed_over(byte opening, IngestReason expected)
    {
        byte[] payload = [.. Convert.FromHexString("A16178"), .. Enumerable.Repeat(opening, 200_000)];
        using var chunk = DecoderPropertyTests.Decode(new PlatformCborDecoder(), payload, out var reason);
        Assert.Equal(expected, reason);
    }

    [Fact]
    public void A_quality_whose_key_is_in_chunks_holds_for_the_data_before_it()
    {
        foreach (var key in new[] { "7F647175616C63697479FF", "7F78077175616C697479FF", "7F60677175616C697479FF" })
        {
            var payload = Convert.FromHexString($"A26464617461A1616101{key}63626164");
            using var chunk = DecoderPropertyTests.Decode(new PlatformCborDecoder(), payload, out var reason);
            Assert.Equal((IngestReason.None, TelemetryQuality.Bad), (reason, chunk[0].Qualities[0]));
        }
    }

    [Fact]
    public void A_long_byte_string_in_one_chunk_is_stored_whole_also_after_a_quality()
    {
        // {"quality": "bad", "data": {"a": (_ 60,000 bytes)}}
        var bytes = new byte[60_000];
        new Random(1).NextBytes(bytes);
        byte[] payload =
        [
            .. Convert.FromHexString("A2677175616C69747963626164"),
            .. Convert.FromHexString("6464617461A161615F59EA60"),
            .. bytes,
            0xFF,
        ];
        using var chunk = DecoderPropertyTests.Decode(new PlatformCborDecoder(), payload, out var reason);
        Assert.Equal(IngestReason.None, reason);
        Assert.Equal(System.Buffers.Text.Base64Url.EncodeToString(bytes), chunk[0].GetValue(0).AsText());
    }

    [Fact]
    public void A_long_byte_string_in_one_chunk_of_senml_is_stored_whole()
    {
        var bytes = new byte[60_000];
        new Random(1).NextBytes(bytes);
        byte[] payload = [.. Convert.FromHexString("81A2006161085F59EA60"), .. bytes, 0xFF];
        using var chunk = DecoderPropertyTests.Decode(new SenmlCborDecoder(), payload, out var reason);
        Assert.Equal(IngestReason.None, reason);
        Assert.Equal(System.Buffers.Text.Base64Url.EncodeToString(bytes), chunk[0].GetValue(0).AsText());
    }

    private static JsonObject ObjectOf(IEnumerable<JsonNode> values) =>
        new(values.Select((value, i) => new KeyValuePair<string, JsonNode?>($"m{i}", Copy(value))));

    // A node has one parent; null is a value too.
    private static JsonNode? Copy(JsonNode? node) => node?.DeepClone();

    private static void AssertEqual(TelemetryFrame expected, TelemetryFrame frame)
    {
        Assert.Equal(expected.Device, frame.Device);
        Assert.Equal(expected.TimestampTicks, frame.TimestampTicks);
        Assert.Equal(expected.Layout.Metrics, frame.Layout.Metrics);
        for (var i = 0; i < frame.Layout.Metrics.Count; i++)
        {
            Assert.Equal(expected.Qualities[i], frame.Qualities[i]);
            var (wanted, value) = (expected.GetValue(i), frame.GetValue(i));
            Assert.Equal(wanted.Kind, value.Kind);
            switch (value.Kind)
            {
                case TelemetryValueKind.Double:
                    Assert.Equal(wanted.AsDouble(), value.AsDouble());
                    break;
                case TelemetryValueKind.Long:
                    Assert.Equal(wanted.AsLong(), value.AsLong());
                    break;
                case TelemetryValueKind.Bool:
                    Assert.Equal(wanted.AsBool(), value.AsBool());
                    break;
                case TelemetryValueKind.Text:
                    Assert.Equal(wanted.AsText(), value.AsText());
                    break;
                default:
                    Assert.True(JsonNode.DeepEquals(JsonNode.Parse(wanted.AsText()), JsonNode.Parse(value.AsText())));
                    break;
            }
        }
    }
}
