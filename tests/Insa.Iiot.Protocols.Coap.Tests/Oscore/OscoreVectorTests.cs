using Insa.Iiot.Protocols.Coap.Oscore;

namespace Insa.Iiot.Protocols.Coap.Tests.Oscore;

/// <summary>The test vectors of RFC 8613 appendix C.</summary>
public sealed class OscoreVectorTests
{
    private const string Secret = "0102030405060708090a0b0c0d0e0f10";
    private const string Salt = "9e7ca92223786340";
    private const string IdContext = "37cbf3210017a2d3";

    [Theory]
    [InlineData(Salt, null, "", "f0910ed7295e6ad4b54fc793154302ff")] // C.1
    [InlineData(Salt, null, "01", "ffb14e093c94c9cac9471648b4f98710")]
    [InlineData("", null, "00", "321b26943253c7ffb6003b0b64d74041")] // C.2
    [InlineData("", null, "01", "e57b5635815177cd679ab4bcec9d7dda")]
    [InlineData(Salt, IdContext, "", "af2a1300a5e95788b356336eeecd2b92")] // C.3
    [InlineData(Salt, IdContext, "01", "e39a0c7c77b43f03b4b39ab9a268699f")]
    public void The_keys_are_those_of_the_standard(string salt, string? idContext, string id, string key) =>
        Assert.Equal(key, Hex(OscoreKeys.DeriveKey(Bytes(Secret), Bytes(salt), Context(idContext), Bytes(id))));

    [Theory]
    [InlineData(Salt, null, "4622d4dd6d944168eefb54987c")]
    [InlineData("", null, "be35ae297d2dace910c52e99f9")]
    [InlineData(Salt, IdContext, "2ca58fb85ff1b81c0b7181b85e")]
    public void The_common_IVs_are_those_of_the_standard(string salt, string? idContext, string iv) =>
        Assert.Equal(iv, Hex(OscoreKeys.DeriveCommonIv(Bytes(Secret), Bytes(salt), Context(idContext))));

    [Theory]
    [InlineData(Salt, null, "", "00", "4622d4dd6d944168eefb54987c")]
    [InlineData(Salt, null, "01", "00", "4722d4dd6d944169eefb54987c")]
    [InlineData("", null, "00", "00", "bf35ae297d2dace910c52e99f9")]
    [InlineData("", null, "01", "00", "bf35ae297d2dace810c52e99f9")]
    [InlineData(Salt, IdContext, "", "00", "2ca58fb85ff1b81c0b7181b85e")]
    [InlineData(Salt, IdContext, "01", "00", "2da58fb85ff1b81d0b7181b85e")]
    [InlineData(Salt, null, "", "14", "4622d4dd6d944168eefb549868")]
    public void The_nonces_are_those_of_the_standard(string salt, string? idContext, string id, string partialIv, string nonce)
    {
        using var context = new OscoreContext(Bytes(Secret), Bytes(salt), [], [1], Context(idContext));
        var actual = new byte[OscoreKeys.NonceBytes];
        context.WriteNonce(Bytes(id), Bytes(partialIv), actual);
        Assert.Equal(nonce, Hex(actual));
    }

    [Theory]
    [InlineData("", "14", "8368456e63727970743040488501810a40411440")] // C.4
    [InlineData("00", "14", "8368456e63727970743040498501810a4100411440")] // C.5
    public void The_additional_data_is_that_of_the_standard(string kid, string partialIv, string expected)
    {
        var aad = new byte[OscoreAad.MaxBytes];
        Assert.Equal(expected, Hex(aad.AsSpan(0, OscoreAad.Write(Bytes(kid), Bytes(partialIv), aad))));
    }

    [Theory]
    [InlineData(
        Salt,
        null,
        "",
        "44015d1f00003974396c6f63616c686f737483747631",
        "44025d1f00003974396c6f63616c686f7374620914ff612f1092f1776f1c1668b3825e"
    )] // C.4
    [InlineData(
        "",
        null,
        "00",
        "440171c30000b932396c6f63616c686f737483747631",
        "440271c30000b932396c6f63616c686f737463091400ff4ed339a5a379b0b8bc731fffb0"
    )] // C.5
    [InlineData(
        Salt,
        IdContext,
        "",
        "44012f8eef9bbf7a396c6f63616c686f737483747631",
        "44022f8eef9bbf7a396c6f63616c686f73746b19140837cbf3210017a2d3ff72cd7273fd331ac45cffbe55c3"
    )] // C.6
    public void A_request_is_protected_as_in_the_standard_and_opens(
        string salt,
        string? idContext,
        string kid,
        string plain,
        string expected
    )
    {
        using var client = new OscoreContext(Bytes(Secret), Bytes(salt), Bytes(kid), [1], Context(idContext));
        using var server = new OscoreContext(Bytes(Secret), Bytes(salt), [1], Bytes(kid), Context(idContext));
        var sealedBytes = new byte[200];
        Assert.True(
            OscoreMessages.TryProtect(client, Bytes(plain), Bytes(kid), [0x14], [0x14], idContext is not null, sealedBytes, out var length)
        );
        Assert.Equal(expected, Hex(sealedBytes.AsSpan(0, length)));

        var opened = new byte[200];
        Assert.True(
            OscoreMessages.TryOpen(server, sealedBytes.AsSpan(0, length), Bytes(kid), [0x14], [0x14], opened, out var openedLength)
        );
        Assert.Equal(plain, Hex(opened.AsSpan(0, openedLength)));
        for (var i = 0; i < 8; i++)
        {
            sealedBytes[length - 1] ^= (byte)(1 << i);
            Assert.False(OscoreMessages.TryOpen(server, sealedBytes.AsSpan(0, length), Bytes(kid), [0x14], [0x14], opened, out _));
            sealedBytes[length - 1] ^= (byte)(1 << i);
        }
    }

    [Theory]
    [InlineData("", "64445d1f0000397490ffdbaad1e9a7e7b2a813d3c31524378303cdafae119106")] // C.7
    [InlineData("00", "64445d1f00003974920100ff4d4c13669384b67354b2b6175ff4b8658c666a6cf88e")] // C.8
    public void A_response_is_protected_as_in_the_standard_and_opens(string partialIv, string expected)
    {
        const string plain = "64455d1f00003974ff48656c6c6f20576f726c6421";
        using var server = new OscoreContext(Bytes(Secret), Bytes(Salt), [1], [], null);
        using var client = new OscoreContext(Bytes(Secret), Bytes(Salt), [], [1], null);
        var sealedBytes = new byte[200];
        Assert.True(OscoreMessages.TryProtect(server, Bytes(plain), [], [0x14], Bytes(partialIv), false, sealedBytes, out var length));
        Assert.Equal(expected, Hex(sealedBytes.AsSpan(0, length)));
        var opened = new byte[200];
        Assert.True(
            OscoreMessages.TryOpen(client, sealedBytes.AsSpan(0, length), [], [0x14], Bytes(partialIv), opened, out var openedLength)
        );
        Assert.Equal(plain, Hex(opened.AsSpan(0, openedLength)));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("0914", true)]
    [InlineData("091400", true)]
    [InlineData("19140837cbf3210017a2d3", true)]
    [InlineData("0100", true)]
    [InlineData("00", false)] // nothing is written as nothing
    [InlineData("0101ff", false)] // more than it says
    [InlineData("02", false)]
    [InlineData("020014", false)] // a leading zero
    [InlineData("06000000000014", false)] // reserved
    [InlineData("0f00000000000014", false)]
    [InlineData("29", false)]
    [InlineData("10", false)]
    [InlineData("190937cb", false)]
    public void An_option_reads_back_or_is_malformed(string hex, bool isGood)
    {
        Assert.Equal(isGood, OscoreOption.TryRead(Bytes(hex), out var option));
        if (!isGood)
            return;
        var written = new byte[option.Length];
        option.Write(written);
        Assert.Equal(hex, Hex(written));
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex);

    private static byte[]? Context(string? hex) => hex is null ? null : Bytes(hex);

    private static string Hex(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(bytes);
}
