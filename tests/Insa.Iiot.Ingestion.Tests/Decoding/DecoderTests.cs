using System.Text;
using Insa.Iiot.Ingestion.Decoding;

namespace Insa.Iiot.Ingestion.Tests.Decoding;

public sealed class DecoderTests : IDisposable
{
    private static readonly long s_now = new DateTime(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc).Ticks;
    private static readonly TenantId s_tenant = TenantId.Parse("acme");
    private static readonly DeviceSession s_session = new(s_tenant, DeviceId.Parse("d1"), [DeviceId.Parse("d2")]);
    private readonly TelemetryFrameWriter _writer = new(new TelemetryLimits { MaxAge = TimeSpan.FromDays(36_500) });
    private readonly TelemetryChunk _chunk = new(64);

    public DecoderTests() => _chunk.Reset(s_tenant);

    public void Dispose() => _chunk.Dispose();

    private static ITelemetryDecoder DecoderOf(string name) =>
        name switch
        {
            "json" => new PlatformJsonDecoder(),
            "senml" => new SenmlJsonDecoder(),
            "senml-cbor" => new SenmlCborDecoder(),
            "cbor" => new PlatformCborDecoder(),
            _ => new ScalarDecoder(),
        };

    private IngestReason Decode(ITelemetryDecoder decoder, ReadOnlySpan<byte> payload)
    {
        _chunk.Reset(s_tenant);
        _writer.BeginMessage(_chunk, s_session, s_session.Device, s_now);
        var reason = decoder.Decode(new TelemetryMessage(decoder.Format, payload), _writer);
        if (reason == IngestReason.None)
            _writer.CommitMessage();
        else
            _writer.AbortMessage();
        return reason;
    }

    [Theory]
    [InlineData("json", """{"data":{"a":1}}""", IngestReason.None)]
    [InlineData(
        "json",
        """[{"data":{"a":1}},{"device_id":"d2","data":{"b":{"c":[1,{"x":2}]}},"timestamp":"2025-12-31T23:00:00.123456789+01:00"}]""",
        IngestReason.None
    )]
    [InlineData("json", """{"data":{"a":1}} x""", IngestReason.Malformed)]
    [InlineData("json", """{"data":{"a":1},"data":{"b":1}}""", IngestReason.Malformed)]
    [InlineData("json", """{"data":{"a":01}}""", IngestReason.Malformed)]
    [InlineData("json", """{"data":{"a":NaN}}""", IngestReason.NotFinite)]
    [InlineData("json", """{"data":{"a":1e999}}""", IngestReason.NotFinite)]
    [InlineData("json", """{"data":{}}""", IngestReason.Empty)]
    [InlineData("json", """{"data":{"a":1,"a":2}}""", IngestReason.DuplicateMetric)]
    [InlineData("json", """{"data":{"":1}}""", IngestReason.NameInvalid)]
    [InlineData("json", """{"device_id":"d9","data":{"a":1}}""", IngestReason.DeviceNotAllowed)]
    [InlineData("json", """{"data":{"a":1},"timestamp":"yesterday"}""", IngestReason.TimestampInvalid)]
    [InlineData("json", """{"data":{"a":1},"timestamp":1e300}""", IngestReason.TimestampOutOfRange)]
    [InlineData("json", """{"data":{"a":[[[[[[1]]]]]]}}""", IngestReason.None)]
    [InlineData("json", """{"data":{"a":[[[[[[[1]]]]]]]}}""", IngestReason.TooDeep)]
    [InlineData("senml", """[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}]""", IngestReason.None)]
    [InlineData("senml", """[{"n":"a","v":1,"x_":1}]""", IngestReason.UnknownExtension)]
    [InlineData("senml", """[{"bver":11,"n":"a","v":1}]""", IngestReason.UnknownExtension)]
    [InlineData("senml", """[{"n":"a","v":1,"vb":true}]""", IngestReason.Malformed)]
    [InlineData("senml", """[{"n":"_a","v":1}]""", IngestReason.NameInvalid)]
    [InlineData("senml", "[]", IngestReason.Empty)]
    [InlineData("scalar", "21.5", IngestReason.None)]
    [InlineData("scalar", "-inf", IngestReason.NotFinite)]
    [InlineData("scalar", "", IngestReason.Empty)]
    public void A_payload_is_taken_or_refused_with_its_reason(string decoder, string payload, IngestReason expected) =>
        Assert.Equal(expected, Decode(DecoderOf(decoder), Encoding.UTF8.GetBytes(payload)));

    [Fact]
    public void A_quality_after_the_data_is_that_of_every_value()
    {
        Assert.Equal(IngestReason.None, Decode(DecoderOf("json"), """{"data":{"a":1,"b":{"c":true}},"quality":"bad"}"""u8));
        Assert.Equal(["a", "b.c"], _chunk[0].Layout.Metrics);
        Assert.Equal(TelemetryQuality.Bad, _chunk[0].Qualities[1]);
    }

    [Fact]
    public void The_several_measurements_of_RFC_8428_5_1_2_become_one_frame()
    {
        Assert.Equal(
            IngestReason.None,
            Decode(
                DecoderOf("senml"),
                """[{"bn":"urn:dev:ow:10e2073a01080063:","n":"voltage","u":"V","v":120.1},{"n":"current","u":"A","v":1.2}]"""u8
            )
        );
        Assert.Equal(1, _chunk.FrameCount);
        Assert.Equal(1.2, _chunk[0].GetValue(1).AsDouble());
    }

    [Fact]
    public void A_senml_name_may_begin_with_a_device_of_the_session()
    {
        Assert.Equal(IngestReason.None, Decode(DecoderOf("senml"), """[{"n":"d2/t","v":1},{"n":"t","v":2},{"n":"t","v":3,"t":-5}]"""u8));
        Assert.Equal(3, _chunk.FrameCount);
        Assert.Equal("d2", _chunk[0].Device.Value);
        Assert.Equal("d1", _chunk[1].Device.Value);
        Assert.Equal(s_now - (5 * TimeSpan.TicksPerSecond), _chunk[2].TimestampTicks);
    }

    [Fact]
    public void Senml_in_cbor_reads_as_in_json()
    {
        Assert.Equal(
            IngestReason.None,
            Decode(DecoderOf("senml-cbor"), Convert.FromHexString("82A3216364322F00617402F93E00A200617502FB3FF3333333333333"))
        );
        Assert.Equal("d2", _chunk[0].Device.Value);
        Assert.Equal(1.5, _chunk[0].GetValue(0).AsDouble());
    }

    [Theory]
    [InlineData(
        "json",
        """[{"device_id":"d2","data":{"a\u0041":1.5e3,"b":{"c":[1,"x"]},"t":"q"},"timestamp":"2025-12-31T23:00:00.1+01:00"}]"""
    )]
    [InlineData("senml", """[{"bn":"d2/","bt":-5,"n":"t","v":1,"s":2},{"n":"x\u0041","vs":"a\n"},{"n":"y","vb":true,"q":[1,{}]}]""")]
    [InlineData("senml-cbor", "\u0082\u00A3\u0021\u0062d2\u0000\u0061t\u0002\u00F9\u003E\u0000\u00A2\u0000\u0061u\u0008\u0042zz")]
    [InlineData(
        "cbor",
        "\u009F\u00A4\u0069device_id\u0062d2\u0064data\u00A3\u0061a\u00F9\u003E\u0000\u0061b\u00BF\u0061c\u0083\u0001\u0041z\u00A1\u0061x\u007F\u0061y\u00FF\u00FF\u0061t\u00C4\u0082\u0020\u0018\u007B\u0069timestamp\u00C1\u001A\u0069\u0055\u00B9\u0000\u0067quality\u0063bad\u00FF"
    )]
    [InlineData("scalar", "\"12\\u0041.5e3\"")]
    public void No_mutation_of_a_valid_message_throws_or_leaves_frames_after_a_refusal(string name, string payload)
    {
        var decoder = DecoderOf(name);
        var seed = Encoding.Latin1.GetBytes(payload);
        Assert.Equal(IngestReason.None, Decode(decoder, seed));
        var random = new Random(1);
        var bytes = new byte[seed.Length];
        for (var i = 0; i < 300_000; i++)
        {
            seed.CopyTo(bytes, 0);
            for (var m = random.Next(1, 5); m > 0; m--)
                bytes[random.Next(bytes.Length)] = random.Next(2) == 0 ? (byte)random.Next(256) : seed[random.Next(seed.Length)];
            var reason = Decode(decoder, bytes.AsSpan(0, random.Next(4) == 0 ? random.Next(bytes.Length) : bytes.Length));
            Assert.True((reason == IngestReason.None) == (_chunk.FrameCount > 0));
        }
    }

#if !DEBUG // Without optimisation the compiler boxes where it otherwise does not.
    [Theory]
    [InlineData("json", """{"device_id":"d2","data":{"a\u0041":1.5,"b":{"c":2}},"quality":"good"}""")]
    [InlineData("senml", """[{"bn":"d2/","n":"t","v":1},{"n":"x","v":2}]""")]
    [InlineData(
        "cbor",
        "\u00A3\u0069device_id\u0062d2\u0064data\u00A2\u0061a\u00F9\u003E\u0000\u0061b\u0083\u0001\u0041z\u007F\u0061y\u00FF\u0067quality\u0064good"
    )]
    public void A_repeated_message_allocates_nothing(string name, string payload)
    {
        var decoder = DecoderOf(name);
        var bytes = Encoding.Latin1.GetBytes(payload);
        Assert.Equal(IngestReason.None, Decode(decoder, bytes));
        for (var i = 0; i < 1000; i++)
            Decode(decoder, bytes);

        // A collection that other tests cause takes buffers from the pool, once; what a message allocates shows in every round.
        Assert.Contains(0, Enumerable.Range(0, 5).Select(_ => AllocatedBy10000()));

        long AllocatedBy10000()
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 10_000; i++)
                Decode(decoder, bytes);
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }
#endif
}
