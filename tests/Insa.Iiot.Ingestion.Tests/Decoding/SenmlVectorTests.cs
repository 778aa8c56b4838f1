using System.Text;
using Insa.Iiot.Ingestion.Decoding;

namespace Insa.Iiot.Ingestion.Tests.Decoding;

/// <summary>The examples of RFC 8428 itself.</summary>
public sealed class SenmlVectorTests : IDisposable
{
    private const string Sensor = "urn:dev:ow:10e2073a01080063";
    private static readonly TenantId Tenant = TenantId.Parse("plant");
    private static readonly DateTime Now = new(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc);

    private readonly TelemetryChunk _chunk = new(64);
    private readonly TelemetryFrameWriter _writer = new(new TelemetryLimits { MaxAge = TimeSpan.FromDays(36_500) });

    public SenmlVectorTests() => _chunk.Reset(Tenant);

    public void Dispose() => _chunk.Dispose();

    [Fact]
    public void A_single_data_point_5_1_1()
    {
        Decode("""[{"n":"urn:dev:ow:10e2073a01080063","u":"Cel","v":23.1}]""");
        Assert.Equal([(Sensor, Now, 23.1)], Numbers());
    }

    [Fact]
    public void Multiple_data_points_5_1_2()
    {
        Decode("""[{"bn":"urn:dev:ow:10e2073a01080063:","n":"voltage","u":"V","v":120.1},{"n":"current","u":"A","v":1.2}]""", Sensor);
        Assert.Equal([("voltage", Now, 120.1), ("current", Now, 1.2)], Numbers());
        Assert.Equal(Sensor, _chunk[0].Device.Value);
    }

    [Fact]
    public void Values_and_times_over_a_base_5_1_2_and_the_same_in_cbor_6()
    {
        Decode(
            """
            [{"bn":"urn:dev:ow:10e2073a0108006:","bt":1.276020076001e+09,"bu":"A","bver":5,"n":"voltage","u":"V","v":120.1},
             {"n":"current","t":-5,"v":1.2},{"n":"current","t":-4,"v":1.3},{"n":"current","t":-3,"v":1.4},
             {"n":"current","t":-2,"v":1.5},{"n":"current","t":-1,"v":1.6},{"n":"current","v":1.7}]
            """,
            "urn:dev:ow:10e2073a0108006"
        );
        var fromJson = Numbers();
        var at = DateTime.UnixEpoch.AddMicroseconds(1_276_020_076_001_000);
        Assert.Equal(
            [
                ("voltage", at, 120.1),
                ("current", at.AddSeconds(-5), 1.2),
                ("current", at.AddSeconds(-4), 1.3),
                ("current", at.AddSeconds(-3), 1.4),
                ("current", at.AddSeconds(-2), 1.5),
                ("current", at.AddSeconds(-1), 1.6),
                ("current", at, 1.7),
            ],
            fromJson
        );

        _chunk.Reset(Tenant);
        Decode(
            new SenmlCborDecoder(),
            Convert.FromHexString(
                "87a721781b75726e3a6465763a6f773a3130653230373361303130383030363a22fb41d303a15b0010622361412005"
                    + "0067766f6c7461676501615602fb405e066666666666"
                    + "a3006763757272656e74062402fb3ff3333333333333a3006763757272656e74062302fb3ff4cccccccccccd"
                    + "a3006763757272656e74062202fb3ff6666666666666a3006763757272656e74062102f93e00"
                    + "a3006763757272656e74062002fb3ff999999999999aa3006763757272656e74060002fb3ffb333333333333"
            ),
            "urn:dev:ow:10e2073a0108006"
        );
        Assert.Equal(fromJson, Numbers());
    }

    [Fact]
    public void One_name_with_several_units_5_1_3_keeps_every_value()
    {
        Decode(
            """
            [{"bn":"urn:dev:ow:10e2073a01080063","bt":1.320067464e+09,"bu":"%RH","v":20},{"u":"lon","v":24.30621},{"u":"lat","v":60.07965},
             {"t":60,"v":20.3},{"u":"lon","t":60,"v":24.30622},{"u":"lat","t":60,"v":60.07965}]
            """
        );
        var at = DateTime.UnixEpoch.AddSeconds(1_320_067_464);
        Assert.Equal(
            [
                (Sensor, at, 20),
                (Sensor + ".lon", at, 24.30621),
                (Sensor + ".lat", at, 60.07965),
                (Sensor, at.AddSeconds(60), 20.3),
                (Sensor + ".lon", at.AddSeconds(60), 24.30622),
                (Sensor + ".lat", at.AddSeconds(60), 60.07965),
            ],
            Numbers()
        );
    }

    [Fact]
    public void Multiple_data_types_5_1_5()
    {
        Decode(
            """
            [{"bn":"urn:dev:ow:10e2073a01080063:","n":"temp","u":"Cel","v":23.1},{"n":"label","vs":"Machine Room"},
             {"n":"open","vb":false},{"n":"nfc-reader","vd":"aGkgCg"}]
            """,
            Sensor
        );
        Assert.Equal(["temp", "label", "open", "nfc-reader"], _chunk[0].Layout.Metrics);
        Assert.Equal(TelemetryValue.OfText("Machine Room"), _chunk[0].GetValue(1));
        Assert.Equal(TelemetryValue.Of(false), _chunk[0].GetValue(2));
        Assert.Equal(TelemetryValue.OfText("aGkgCg"), _chunk[0].GetValue(3));
    }

    [Fact]
    public void A_collection_of_resources_5_1_6()
    {
        Decode("""[{"bn":"2001:db8::2/","n":"temperature","u":"Cel","v":27.2},{"n":"humidity","u":"%RH","v":80}]""", "2001:db8::2");
        Assert.Equal("2001:db8::2", _chunk[0].Device.Value);
        Assert.Equal([("temperature", Now, 27.2), ("humidity", Now, 80)], Numbers());
    }

    [Theory]
    [InlineData("81A200617802C48221196AB3", 273.15)] // RFC 8949 §3.4.4: 27315 × 10^-2
    [InlineData("81A200617802C5822003", 1.5)] // 3 × 2^-1
    [InlineData("81A200617802C4821904D200", 0)] // 0 × 10^1234
    public void A_decimal_fraction_and_a_bigfloat_are_numbers(string cbor, double expected)
    {
        Decode(new SenmlCborDecoder(), Convert.FromHexString(cbor));
        Assert.Equal(expected, Assert.Single(Numbers()).Value);
    }

    [Theory]
    [InlineData("""[{"n":"a","v":1},{"n":"a","v":2}]""", IngestReason.DuplicateMetric)]
    [InlineData("""[{"n":"a","vd":"no base64!"}]""", IngestReason.Malformed)]
    [InlineData("""[{"n":"a","v":1,"t":268435456}]""", IngestReason.None)] // 2^28 s is a time of 1978
    [InlineData("""[{"n":"a","v":1,"t":400}]""", IngestReason.TimestampOutOfRange)] // 400 s ahead of now
    public void What_would_lose_or_misread_a_value_is_refused(string payload, IngestReason expected)
    {
        var decoder = new SenmlJsonDecoder();
        var session = new DeviceSession(Tenant, DeviceId.Parse("gate"));
        _writer.BeginMessage(_chunk, session, session.Device, Now.Ticks);
        Assert.Equal(expected, decoder.Decode(new TelemetryMessage(decoder.Format, Encoding.UTF8.GetBytes(payload)), _writer));
    }

    private void Decode(string json, string? device = null) => Decode(new SenmlJsonDecoder(), Encoding.UTF8.GetBytes(json), device);

    private void Decode(ITelemetryDecoder decoder, byte[] payload, string? device = null)
    {
        var session = new DeviceSession(Tenant, DeviceId.Parse("gate"), device is null ? [] : [DeviceId.Parse(device)]);
        _writer.BeginMessage(_chunk, session, session.Device, Now.Ticks);
        Assert.Equal(IngestReason.None, decoder.Decode(new TelemetryMessage(decoder.Format, payload), _writer));
        _writer.CommitMessage();
    }

    private List<(string Metric, DateTime At, double Value)> Numbers()
    {
        var numbers = new List<(string, DateTime, double)>();
        for (var i = 0; i < _chunk.FrameCount; i++)
        {
            for (var v = 0; v < _chunk[i].Count; v++)
                numbers.Add(
                    (
                        _chunk[i].Layout.Metrics[v],
                        new DateTime(_chunk[i].TimestampTicks, DateTimeKind.Utc),
                        _chunk[i].GetValue(v).AsDouble()
                    )
                );
        }

        return numbers;
    }
}
