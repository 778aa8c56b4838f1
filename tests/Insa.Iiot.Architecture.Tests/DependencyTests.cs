using System.Reflection;

namespace Insa.Iiot.Architecture.Tests;

public sealed class DependencyTests
{
    private const string Family = "Insa.Iiot.";
    private const string Abstractions = "Insa.Iiot.Abstractions";
    private const string RestApi = "Insa.Iiot.AspNetCore";

    public static TheoryData<string> Packages =>
        [
            "Insa.Iiot.Commands",
            "Insa.Iiot.Ingestion",
            "Insa.Iiot.Protocols.Amqp",
            "Insa.Iiot.Protocols.Coap",
            "Insa.Iiot.Protocols.Mqtt",
            "Insa.Iiot.Protocols.OpcUa",
            "Insa.Iiot.Storage.Postgres",
            "Insa.Iiot.Storage.Sqlite",
            "Insa.Iiot.Tenancy",
        ];

    [Theory]
    [MemberData(nameof(Packages))]
    public void A_package_refers_to_no_other_of_the_family_but_abstractions(string package)
    {
        var references = Assembly.Load(package).GetReferencedAssemblies().Select(reference => reference.Name!);
        Assert.Equal([Abstractions], references.Where(name => name.StartsWith(Family, StringComparison.Ordinal)));
    }

    [Fact]
    public void The_REST_API_refers_to_tenancy_and_abstractions_alone()
    {
        var references = Assembly.Load(RestApi).GetReferencedAssemblies().Select(reference => reference.Name!);
        Assert.Equal(
            [Abstractions, "Insa.Iiot.Tenancy"],
            references.Where(name => name.StartsWith(Family, StringComparison.Ordinal)).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void Abstractions_refers_to_nothing_but_the_platforms_abstractions()
    {
        var references = Assembly.Load(Abstractions).GetReferencedAssemblies().Select(reference => reference.Name!);
        Assert.All(
            references.Where(name => !name.StartsWith("System.", StringComparison.Ordinal)),
            name => Assert.Matches(@"^Microsoft\.Extensions\..+\.Abstractions$", name)
        );
    }

    [Theory]
    [MemberData(nameof(Packages))]
    [InlineData(RestApi)]
    public void Public_classes_are_sealed(string package) =>
        Assert.DoesNotContain(Assembly.Load(package).GetExportedTypes(), type => type is { IsClass: true, IsSealed: false });
}
