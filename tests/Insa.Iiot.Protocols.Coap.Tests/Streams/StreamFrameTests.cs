using System.Buffers;
using CsCheck;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Streams;

namespace Insa.Iiot.Protocols.Coap.Tests.Streams;

public sealed class StreamFrameTests
{
    private const int MaxLength = 100_000;

    // RFC 8323 figure 5 and those of §5.6; then the borders of each length (§3.2), and longer tokens (RFC 8974 §2.1).
    [Theory]
    [InlineData("01437F", 0x43, 1, 3)]
    [InlineData("01E242", 0xE2, 1, 3)]
    [InlineData("01E342", 0xE3, 1, 3)]
    [InlineData("00E1", 0xE1, 0, 2)]
    [InlineData("C001", 0x01, 0, 14)]
    [InlineData("D00001", 0x01, 0, 16)]
    [InlineData("D0FF01", 0x01, 0, 271)]
    [InlineData("E0000001", 0x01, 0, 273)]
    [InlineData("E0FFFF01", 0x01, 0, 65_808)]
    [InlineData("F00000000001", 0x01, 0, 65_811)]
    [InlineData("0D0105", 0x01, 13, 21)]
    [InlineData("0E010001", 0x01, 14, 274)]
    public void The_header_says_how_long_a_message_is(string start, byte code, int nibble, int length)
    {
        var head = Convert.FromHexString(start);
        var stream = new byte[length];
        head.CopyTo(stream, 0);
        Assert.Equal(StreamFrameResult.Incomplete, StreamFrame.TryRead(new(stream.AsMemory(0, length - 1)), MaxLength, out _));
        Assert.Equal(StreamFrameResult.Complete, StreamFrame.TryRead(new(stream), MaxLength, out var frame));
        Assert.Equal((new CoapCode(code), nibble, length), (frame.Code, frame.TokenNibble, frame.Length));
    }

    [Theory]
    [InlineData("0F01")] // a token's length that is reserved
    [InlineData("0E01FFFF")] // a token that is longer than any that is taken
    public void What_cannot_be_a_message_is_malformed(string start) =>
        Assert.Equal(StreamFrameResult.Malformed, StreamFrame.TryRead(new(Convert.FromHexString(start)), MaxLength, out _));

    [Fact]
    public void A_message_that_is_too_large_shows_by_its_header() =>
        Assert.Equal(StreamFrameResult.TooLarge, StreamFrame.TryRead(new(Convert.FromHexString("F0FFFFFFFF01")), MaxLength, out _));

    [Fact]
    public void Every_message_reads_back_as_it_was_written() =>
        Gen.Select(Gen.Byte.Array[0, 300], Gen.Byte.Array[0, 70_000], Gen.Byte, Gen.Int[1, 9])
            .Sample(
                (token, payload, code, cut) =>
                {
                    var datagram = new byte[80_000];
                    var writer = new CoapMessageWriter(datagram);
                    writer.WriteHeader(new CoapHeader(CoapType.NonConfirmable, new CoapCode(code), 0), token);
                    writer.WriteOption(CoapOptionNumber.ContentFormat, 50);
                    writer.WritePayload(payload);
                    var bytes = RawStream.Frame(writer.Written);
                    var stream = InPieces(bytes, cut);
                    Assert.Equal(StreamFrameResult.Complete, StreamFrame.TryRead(stream, MaxLength, out var frame));
                    Assert.Equal(bytes.Length, frame.Length);
                    var rest = stream.Slice(frame.HeaderLength, frame.Length - frame.HeaderLength).ToArray();
                    Assert.True(CoapMessage.TryRead(frame.Code, frame.TokenNibble, rest, out var message) || code == 0);
                    if (code != 0)
                    {
                        Assert.Equal(token, message.Token.ToArray());
                        Assert.Equal(payload, message.Payload.ToArray());
                    }
                },
                iter: 2000
            );

    [Fact]
    public void Whatever_comes_is_read_or_refused_and_cuts_change_nothing() =>
        Gen.Select(Gen.Byte.Array[0, 64], Gen.Int[1, 9])
            .Sample(
                (bytes, cut) =>
                {
                    var whole = StreamFrame.TryRead(new ReadOnlySequence<byte>(bytes), 1000, out var one);
                    var pieces = StreamFrame.TryRead(InPieces(bytes, cut), 1000, out var other);
                    Assert.Equal((whole, one), (pieces, other));
                    Assert.True(one.Length <= bytes.Length);
                },
                iter: 200_000
            );

    private static ReadOnlySequence<byte> InPieces(byte[] bytes, int length)
    {
        var first = new Piece(bytes.AsMemory(0, Math.Min(length, bytes.Length)), null);
        var last = first;
        for (var i = length; i < bytes.Length; i += length * 7)
            last = new Piece(bytes.AsMemory(i, Math.Min(length * 7, bytes.Length - i)), last);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(ReadOnlyMemory<byte> memory, Piece? previous)
        {
            Memory = memory;
            if (previous is null)
                return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}
