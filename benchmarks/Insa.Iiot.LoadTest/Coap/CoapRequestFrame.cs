using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using Insa.Iiot.Protocols.Coap;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>One request, in which only its ids and the reading's time change. Of ours it posts a reading; libcoap's server is asked for the time.</summary>
internal sealed class CoapRequestFrame
{
    private const int TimestampDigits = 13;
    private const int TokenLength = 2;

    private readonly byte[] _bytes = new byte[256];
    private readonly int _length;
    private readonly int _timestampAt;
    private long _timestamp;
    private ushort _id = (ushort)Random.Shared.Next(65_536);

    /// <param name="isOurs">Whether it is for our server.</param>
    /// <param name="isConfirmable">Whether it is a CON.</param>
    /// <param name="credential">The token of plain CoAP; <see langword="null"/> for none.</param>
    /// <param name="start">The time of the first reading.</param>
    public CoapRequestFrame(bool isOurs, bool isConfirmable, string? credential, DateTimeOffset start)
    {
        _timestamp = start.ToUnixTimeMilliseconds();
        var writer = new CoapMessageWriter(_bytes);
        var type = isConfirmable ? CoapType.Confirmable : CoapType.NonConfirmable;
        writer.WriteHeader(new CoapHeader(type, isOurs ? CoapCode.Post : CoapCode.Get, 0), new byte[TokenLength]);
        writer.WriteOption(CoapOptionNumber.UriPath, isOurs ? "telemetry"u8 : "time"u8);
        if (isOurs)
        {
            var payload = Encoding.ASCII.GetBytes($$$"""{"data":{"n":21},"timestamp":{{{_timestamp:D13}}}}""");
            writer.WriteOption(CoapOptionNumber.ContentFormat, (uint)CoapContentFormat.Json);
            if (credential is not null)
                writer.WriteOption(CoapOptionNumber.UriQuery, Encoding.ASCII.GetBytes($"token={credential}"));
            writer.WritePayload(payload);
            _timestampAt = writer.Length - payload.Length + payload.AsSpan().LastIndexOf((byte)':') + 1;
        }

        _length = writer.Length;
    }

    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    public ReadOnlySpan<byte> Token => _bytes.AsSpan(CoapHeader.Length, TokenLength);

    /// <summary>Makes it the next request.</summary>
    public void Advance()
    {
        _id++;
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(2), _id);
        BinaryPrimitives.WriteUInt16BigEndian(_bytes.AsSpan(CoapHeader.Length), _id);
        if (_timestampAt > 0)
            Utf8Formatter.TryFormat(_timestamp++, _bytes.AsSpan(_timestampAt, TimestampDigits), out _);
    }
}
