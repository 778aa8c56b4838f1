using Insa.Iiot.Protocols.OpcUa.Security;

namespace Insa.Iiot.Protocols.OpcUa.Tests.Security;

public sealed class KeyDerivationTests
{
    // The well-known vector of P_SHA256: the label "test label" is part of the seed.
    [Fact]
    public void The_published_vector_comes_out()
    {
        var secret = Convert.FromHexString("9bbe436ba940f017b17652849a71db35");
        var seed = Convert.FromHexString("74657374206c6162656c" + "a0ba9f936cda311827a6f796ffd5198c");
        var output = new byte[100];
        KeyDerivation.PSha256(secret, seed, output);
        Assert.Equal(
            "E3F229BA727BE17B8D122620557CD453C2AAB21D07C3D495329B52D4E61EDB5A6B301791E90D35C9C9A46B4E14BAF9AF0FA022F7077DEF17ABFD3797C0564BAB4FBC91666E9DEF9B97FCE34F796789BAA48082D122EE42C5A72E5A5110FFF70187347B66",
            Convert.ToHexString(output)
        );
    }

    [Fact]
    public void A_shorter_output_is_the_beginning_of_a_longer_one()
    {
        var (shorter, longer) = (new byte[33], new byte[80]);
        KeyDerivation.PSha256([1, 2, 3], [4, 5], shorter);
        KeyDerivation.PSha256([1, 2, 3], [4, 5], longer);
        Assert.Equal(longer[..33], shorter);
    }
}
