using Microsoft.Extensions.DependencyInjection;

namespace Insa.Iiot;

/// <summary>What the packages of the family add themselves to.</summary>
public sealed class IiotBuilder
{
    /// <summary>Makes a builder over a host's services.</summary>
    public IiotBuilder(IServiceCollection services)
    {
        ArgumentNullException.ThrowIfNull(services);
        Services = services;
    }

    /// <summary>The host's services.</summary>
    public IServiceCollection Services { get; }
}
