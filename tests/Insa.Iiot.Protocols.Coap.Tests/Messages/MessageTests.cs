using CsCheck;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.Protocols.Coap.Tests.Messages;

public sealed class MessageTests
{
    private static readonly Gen<byte[]> AnyToken = Gen.Byte.Array[0, 20];

    private static readonly Gen<(int Number, byte[] Value)[]> AnyOptions = Gen.Select(Gen.Int[0, 3000], Gen.Byte.Array[0, 300]).Array[0, 8];

    // RFC 7252 Appendix A, figures 16 and 17: the request and the piggybacked answer.
    [Theory]
    [InlineData("44017d34", 0, "0.01", 0x7d34, "", "", "")]
    [InlineData("40017d34bb74656d7065726174757265", 0, "0.01", 0x7d34, "", "11=74656d7065726174757265", "")]
    [InlineData("60457d34ff32322e332043", 2, "2.05", 0x7d34, "", "", "32322e332043")]
    [InlineData("41017d3520bb74656d7065726174757265", 0, "0.01", 0x7d35, "20", "11=74656d7065726174757265", "")]
    [InlineData("61457d3520ff32322e332043", 2, "2.05", 0x7d35, "20", "", "32322e332043")]
    public void The_examples_of_the_standard_are_read(
        string hex,
        int type,
        string code,
        int id,
        string token,
        string option,
        string payload
    )
    {
        var datagram = Convert.FromHexString(hex);
        Assert.True(CoapHeader.TryRead(datagram, out var header));
        if (!CoapMessage.TryRead(datagram, header.Code, out var message))
        {
            // The first has the nibble of a token that is not there.
            Assert.Equal("44017d34", hex);
            return;
        }

        Assert.Equal(((CoapType)type, code, (ushort)id), (header.Type, header.Code.ToString(), header.MessageId));
        Assert.Equal(token, Convert.ToHexStringLower(message.Token));
        Assert.Equal(payload, Convert.ToHexStringLower(message.Payload));
        var reader = new CoapOptionReader(message.Options);
        var options = new List<string>();
        while (reader.Read())
            options.Add($"{reader.Number}={Convert.ToHexStringLower(reader.Value)}");
        Assert.Equal(option, string.Join(',', options));
    }

    [Fact]
    public void Every_message_reads_back_as_it_was_written() =>
        Gen.Select(Gen.Byte, Gen.UShort, AnyToken, AnyOptions, Gen.Byte.Array[0, 200])
            .Sample(
                (code, id, token, options, payload) =>
                {
                    if (code == 0)
                        code = 1;
                    Array.Sort(options, (a, b) => a.Number.CompareTo(b.Number));
                    var writer = new CoapMessageWriter(new byte[8192]);
                    writer.WriteHeader(new CoapHeader(CoapType.NonConfirmable, new CoapCode(code), id), token);
                    foreach (var (number, value) in options)
                        writer.WriteOption(number, value);
                    writer.WritePayload(payload);

                    var datagram = writer.Written;
                    Assert.True(CoapHeader.TryRead(datagram, out var header));
                    Assert.Equal(new CoapHeader(CoapType.NonConfirmable, new CoapCode(code), id), header);
                    Assert.True(CoapMessage.TryRead(datagram, header.Code, out var message));
                    Assert.Equal(token, message.Token);
                    Assert.Equal(payload, message.Payload);
                    var reader = new CoapOptionReader(message.Options);
                    foreach (var (number, value) in options)
                    {
                        Assert.True(reader.Read());
                        Assert.Equal(number, reader.Number);
                        Assert.Equal(value, reader.Value);
                    }

                    Assert.False(reader.Read());
                }
            );

    [Fact]
    public void Whatever_comes_is_read_or_refused_and_nothing_is_thrown() =>
        Gen
            .Byte.Array[0, 64]
            .Sample(
                bytes =>
                {
                    if (!CoapHeader.TryRead(bytes, out var header) || !CoapMessage.TryRead(bytes, header.Code, out var message))
                        return;
                    var reader = new CoapOptionReader(message.Options);
                    var last = 0;
                    while (reader.Read())
                    {
                        Assert.True(reader.Number >= last);
                        last = reader.Number;
                    }
                },
                iter: 100_000
            );

    [Theory]
    [InlineData("4001", "a header that is too short")]
    [InlineData("00017d34", "version 0")]
    [InlineData("80017d34", "version 2")]
    [InlineData("c0017d34", "version 3")]
    public void What_has_no_header_is_no_message(string hex, string what) =>
        Assert.False(CoapHeader.TryRead(Convert.FromHexString(hex), out _), what);

    [Theory]
    [InlineData("49017d340102030405060708", "a token that is not all there")]
    [InlineData("4f017d34", "the reserved token length")]
    [InlineData("4d017d3400", "an extended token without its bytes")]
    [InlineData("40017d34ff", "a marker without a payload")]
    [InlineData("40017d34f0", "the reserved delta")]
    [InlineData("40017d340f", "the reserved length")]
    [InlineData("40017d34d0", "a delta without its byte")]
    [InlineData("40017d34e000", "a delta without its second byte")]
    [InlineData("40017d34b374", "a value that is not all there")]
    [InlineData("40017d34e0ffffe0ffff", "a number past 65,535")]
    [InlineData("40007d3400", "an empty message that is not empty")]
    [InlineData("41007d3401", "an empty message with a token")]
    public void What_breaks_the_format_is_refused(string hex, string what)
    {
        var datagram = Convert.FromHexString(hex);
        Assert.True(CoapHeader.TryRead(datagram, out var header));
        Assert.False(CoapMessage.TryRead(datagram, header.Code, out _), what);
    }

    // RFC 8974 §2.1.
    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    [InlineData(12)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(268)]
    [InlineData(269)]
    [InlineData(270)]
    public void Long_tokens_are_read(int length)
    {
        var token = new byte[length];
        Random.Shared.NextBytes(token);
        var writer = new CoapMessageWriter(new byte[1024]);
        writer.WriteHeader(new CoapHeader(CoapType.Confirmable, CoapCode.Get, 1), token);
        Assert.True(CoapMessage.TryRead(writer.Written, CoapCode.Get, out var message));
        Assert.Equal(token, message.Token);
    }

    [Theory]
    [InlineData(0u, "")]
    [InlineData(1u, "01")]
    [InlineData(255u, "ff")]
    [InlineData(256u, "0100")]
    [InlineData(65_536u, "010000")]
    [InlineData(uint.MaxValue, "ffffffff")]
    public void Numbers_take_as_few_bytes_as_can_be(uint number, string hex)
    {
        var writer = new CoapMessageWriter(new byte[64]);
        writer.WriteOption(CoapOptionNumber.MaxAge, number);
        var reader = new CoapOptionReader(writer.Written);
        Assert.True(reader.Read());
        Assert.Equal(hex, Convert.ToHexStringLower(reader.Value));
        Assert.Equal(number, reader.UInt);
    }

    // RFC 7959 §2.2.
    [Theory]
    [InlineData(0x00u, 0, false, 16)]
    [InlineData(0x0Eu, 0, true, 1024)]
    [InlineData(0x33u, 3, false, 128)]
    [InlineData(0xFFFFF6u, 1_048_575, false, 1024)]
    public void Blocks_are_read_and_written(uint value, int number, bool hasMore, int size)
    {
        Assert.True(CoapBlock.TryRead(value, out var block));
        Assert.Equal((number, hasMore, size), (block.Number, block.HasMore, block.Size));
        Assert.Equal(value, block.Value);
        Assert.False(CoapBlock.TryRead(value | 7, out _));
    }

    [Fact]
    public void A_message_that_does_not_fit_says_so()
    {
        var writer = new CoapMessageWriter(new byte[8]);
        writer.WriteHeader(new CoapHeader(CoapType.Confirmable, CoapCode.Get, 1), [1]);
        writer.WriteOption(CoapOptionNumber.UriPath, "telemetry"u8);
        Assert.True(writer.IsTruncated);
    }
}
