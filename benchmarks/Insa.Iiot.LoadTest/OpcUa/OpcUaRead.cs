using System.Diagnostics;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.LoadTest.OpcUa;

/// <summary>Read requests over one connection, so many in flight, each as soon as another is answered. Runs on a thread of its own.</summary>
internal sealed class OpcUaRead(OpcUaClient client, byte[] request, int valuesPerRequest, int inFlight)
{
    private readonly long[] _sentAt = new long[1024];

    public LatencyHistogram Latency { get; } = new();

    public long Answered { get; private set; }

    public long Errors { get; private set; }

    /// <summary>A Read of variables, encoded: the same for every request of a run, so its handle is always the same too.</summary>
    public static byte[] Request(OpcUaClient client, ushort ns, int first, int count) =>
        OpcUaChannel.Encode(
            new ReadRequest
            {
                RequestHeader = client.Header(),
                TimestampsToReturn = TimestampsToReturn.Both,
                NodesToRead =
                [
                    .. Enumerable
                        .Range(first, count)
                        .Select(i => new ReadValueId { NodeId = OpcUaPlant.Id(ns, i % OpcUaPlant.Variables), AttributeId = 13 }),
                ],
            }
        );

    /// <summary>Reads until a time.</summary>
    /// <param name="until">As <see cref="Stopwatch.GetTimestamp"/> has it.</param>
    public void Run(long until)
    {
        for (var i = 0; i < inFlight; i++)
            Send();
        for (var open = inFlight; open > 0; )
        {
            var body = client.Channel.Receive(out var requestId);
            var now = Stopwatch.GetTimestamp();
            Latency.Record(now - _sentAt[requestId % _sentAt.Length]);
            Answered++;
            if (!IsWhole(body, valuesPerRequest))
                Errors++;
            if (now < until)
                Send();
            else
                open--;
        }
    }

    private void Send()
    {
        var now = Stopwatch.GetTimestamp();
        _sentAt[client.Channel.Send(request) % _sentAt.Length] = now;
    }

    // As many values as were asked for, each of them a double and good. Read in place, so that the generator does not cost more than the server.
    private static bool IsWhole(ReadOnlySpan<byte> body, int count)
    {
        var reader = new UaReader(body, OpcUaChannel.Limits);
        if (!reader.NodeId().Is(ReadResponse.BinaryEncodingId))
            return false;
        reader.DateTime();
        reader.UInt32();
        var isGood = reader.StatusCode().IsGood;
        reader.SkipDiagnosticInfo();
        for (var i = reader.ArrayLength(4); i > 0; i--)
            reader.Utf8String();
        reader.ExtensionObjectView();
        if (reader.ArrayLength(1) != count)
            return false;
        for (var i = 0; i < count; i++)
        {
            var mask = reader.Byte();
            isGood &= (mask & 3) == 1 && (BuiltInType)reader.Byte() == BuiltInType.Double;
            reader.Double();
            if ((mask & 0x04) != 0)
                reader.Int64();
            if ((mask & 0x10) != 0)
                reader.UInt16();
            if ((mask & 0x08) != 0)
                reader.Int64();
            if ((mask & 0x20) != 0)
                reader.UInt16();
        }

        return isGood && reader.Status.IsGood;
    }
}
