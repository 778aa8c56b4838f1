using Insa.Iiot.LoadTest.OpcUa;

namespace Insa.Iiot.LoadTest.Tests;

public sealed class OpcUaOptionsTests
{
    [Fact]
    public void What_is_said_is_taken()
    {
        Assert.True(
            OpcUaOptions.TryParse(
                [
                    "batch",
                    "--policy",
                    "Aes256_Sha256_RsaPss",
                    "--values",
                    "100",
                    "--compare",
                    "node-opcua",
                    "--idle-sessions",
                    "0",
                    "--json",
                ],
                out var options,
                out _
            )
        );
        Assert.Equal(
            ("batch", "Aes256_Sha256_RsaPss", 100, true, 0, true),
            (options.Mode, options.PolicyName, options.Values, options.CompareNodeOpcUa, options.IdleSessions, options.Json)
        );
    }

    [Theory]
    [InlineData]
    [InlineData("write")]
    [InlineData("read", "--policy", "Basic256")]
    [InlineData("read", "--compare", "open62541")]
    [InlineData("read", "--values", "0")]
    [InlineData("subscribe", "--items", "5001")]
    [InlineData("subscribe", "--rate")]
    public void What_cannot_be_is_refused(params string[] args) => Assert.False(OpcUaOptions.TryParse(args, out _, out _));
}
