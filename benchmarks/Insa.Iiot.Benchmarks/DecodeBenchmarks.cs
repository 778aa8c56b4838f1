using System.Text;
using BenchmarkDotNet.Attributes;
using Insa.Iiot.Ingestion.Decoding;

namespace Insa.Iiot.Benchmarks;

/// <summary>One message from its bytes to frames in a chunk, per format.</summary>
[MemoryDiagnoser]
public class DecodeBenchmarks : IDisposable
{
    private static readonly TenantId Tenant = TenantId.Parse("plant");
    private static readonly long Now = new DateTime(2026, 5, 1, 12, 0, 0, DateTimeKind.Utc).Ticks;

    private readonly DeviceSession _session = new(Tenant, DeviceId.Parse("press"));
    private readonly TelemetryFrameWriter _writer = new(new TelemetryLimits());
    private readonly TelemetryChunk _chunk = new(1024);
    private readonly PlatformJsonDecoder _json = new();
    private readonly PlatformCborDecoder _cbor = new();
    private readonly SenmlJsonDecoder _senmlJson = new();
    private readonly SenmlCborDecoder _senmlCbor = new();
    private readonly byte[] _oneValue = Encoding.UTF8.GetBytes(
        """{"data":{"temp":25.125},"timestamp":1777636800000}"""
    );
    private readonly byte[] _tenValues = Encoding.UTF8.GetBytes(
        """{"timestamp":1777636800000,"data":{"a":1.5,"b":2.5,"c":3.5,"d":4.5,"e":5.5,"f":6.5,"g":7.5,"h":8.5,"i":9.5,"j":10.5}}"""
    );

    // {"data": {"temp": 25.125}, "timestamp": 1777636800000}
    private readonly byte[] _cborOfOneValue = Convert.FromHexString("A26464617461A16474656D70F94E486974696D657374616D701B0000019DE368F600");
    private readonly byte[] _senmlJsonRecord = Encoding.UTF8.GetBytes("""[{"n":"temp","u":"Cel","t":1777636800,"v":25.125}]""");

    // [{0: "temp", 1: "Cel", 6: 1777636800, 2: 25.125}]
    private readonly byte[] _senmlCborRecord = Convert.FromHexString("81A4006474656D70016343656C061A69F495C002FB4039200000000000");

    [Benchmark(Baseline = true)]
    public IngestReason PlatformJsonOfOneValue() => Decode(_json, _oneValue);

    [Benchmark]
    public IngestReason PlatformJsonOfTenValues() => Decode(_json, _tenValues);

    [Benchmark]
    public IngestReason PlatformCborOfOneValue() => Decode(_cbor, _cborOfOneValue);

    [Benchmark]
    public IngestReason SenmlJsonOfOneValue() => Decode(_senmlJson, _senmlJsonRecord);

    [Benchmark]
    public IngestReason SenmlCborOfOneValue() => Decode(_senmlCbor, _senmlCborRecord);

    public void Dispose()
    {
        _chunk.Dispose();
        GC.SuppressFinalize(this);
    }

    private IngestReason Decode(ITelemetryDecoder decoder, byte[] payload)
    {
        if (_chunk.FrameCount == _chunk.FrameCapacity || !_chunk.Tenant.IsSpecified)
            _chunk.Reset(Tenant);
        _writer.BeginMessage(_chunk, _session, _session.Device, Now);
        var reason = decoder.Decode(new TelemetryMessage(decoder.Format, payload), _writer);
        _writer.CommitMessage();
        return reason == IngestReason.None
            ? reason
            : throw new InvalidOperationException($"The benchmark's message was refused: {reason}.");
    }
}
